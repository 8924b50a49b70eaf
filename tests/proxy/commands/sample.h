// What the tests of the subcommands share: a directory that goes away, and a configuration that is good.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "auth/password.h"
#include "catch.h"

namespace saslift::tests {

class Directory {
 public:
  Directory() {
    std::string pattern = "/tmp/saslift-test-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    for (const char* name : {"in", "out", "err", "log", "saslift.toml"}) ::unlink((path_ + "/" + name).c_str());
    ::rmdir((path_ + "/state").c_str());
    ::rmdir(path_.c_str());
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(file(name)).rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

inline constexpr const char* good_configuration = R"(
[service]
state_dir = "STATE"
[identity.office]
tenant = "contoso.onmicrosoft.com"
client_id = "00000000-0000-0000-0000-000000000000"
client_secret = "literal~secret"
[account.scanner]
password = "HASH"
identity = "office"
mailbox = "scans@contoso.com"
[[listener]]
protocol = "imap"
address = "127.0.0.1:0"
)";

inline void replace(std::string& text, const std::string& what, const std::string& with) {
  text.replace(text.find(what), what.size(), with);
}

inline std::string configuration(const Directory& directory) {
  std::string text = good_configuration;
  replace(text, "STATE", directory.file("state"));
  replace(text, "HASH", auth::hash_password(config::Secret("x")));
  return text;
}

}  // namespace saslift::tests
