// For tables of wrong configurations: {text, what is said about it}.
#pragma once

#include <string>
#include <vector>

#include "catch.h"
#include "config/load.h"
#include "tests/config/configuration_text.h"
#include "tests/config/temporary_directory.h"

namespace saslift::config::test {

struct Row {
  std::string toml;
  std::vector<std::string> problems;  // line:column: text, all of them
};

class RefusalFixture {
 public:
  RefusalFixture() {
    directory_.write("office.secret", "8Q~s3cret\n");
    directory_.write("guid.secret", "6f9619ff-8b86-d011-b42d-00c04fc964ff\r\n");
    directory_.write("lines.secret", "one\ntwo\n");
    directory_.write("empty.secret", "\n");
    directory_.write("open.secret", "8Q~s3cret", 0644);
    directory_.write("certificate.pem", certificate_block);
    directory_.write("key.pem", key_block);
    directory_.write("both.pem", std::string(certificate_block) + std::string(key_block));
    directory_.write("locked.pem", std::string(certificate_block) +
                                       "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n");
  }

  // Without the name of the file; the directory is shown as DIR.
  std::vector<std::string> problems(const std::string& toml) const {
    const std::string path = (directory_.path() / "saslift.toml").string();
    const auto loaded = load_text(toml, path);
    std::vector<std::string> texts;
    if (loaded) return texts;
    for (const Problem& problem : loaded.error()) {
      std::string text = problem.message();
      REQUIRE(text.starts_with(path + ":"));
      text.erase(0, path.size() + 1);
      const std::string directory = directory_.path().string();
      if (const auto found = text.find(directory); found != std::string::npos)
        text.replace(found, directory.size(), "DIR");
      texts.push_back(std::move(text));
    }
    return texts;
  }

 private:
  TemporaryDirectory directory_{ordinary_parent()};
};

inline void check(const std::vector<Row>& rows) {
  const RefusalFixture fixture;
  for (const Row& row : rows) {
    INFO(row.toml.substr(0, 2000));
    CHECK(fixture.problems(row.toml) == row.problems);
  }
}

inline std::string with_account(const std::string& account) { return account + identity_with(""); }
inline std::string with_listener(const std::string& lines) { return "[[listener]]\nprotocol = \"smtp\"\n" + lines; }

}  // namespace saslift::config::test
