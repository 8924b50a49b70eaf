#include "proxy/commands/commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "auth/password.h"
#include "catch.h"
#include "sample.h"

using namespace saslift;
using tests::configuration;
using tests::Directory;

namespace {

struct Ran {
  int status = 0;
  std::string out, err;
};

// A standard descriptor put elsewhere for a while.
class Redirected {
 public:
  Redirected(int descriptor, const std::string& file) : descriptor_(descriptor), before_(::dup(descriptor)) {
    const int other = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(other, descriptor_);
    ::close(other);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  ~Redirected() {
    ::dup2(before_, descriptor_);
    ::close(before_);
  }

 private:
  int descriptor_, before_;
};

Ran saslift_with(const Directory& directory, std::vector<std::string> arguments, const std::string& input = "") {
  directory.write("in", input);
  arguments.insert(arguments.begin(), "saslift");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  Ran ran;
  {
    std::ifstream standard_input(directory.file("in"));
    std::streambuf* before = std::cin.rdbuf(standard_input.rdbuf());
    std::cin.clear();
    std::cout.flush();
    std::fflush(nullptr);
    ::unlink(directory.file("out").c_str());
    ::unlink(directory.file("err").c_str());
    const Redirected out(1, directory.file("out"));
    const Redirected err(2, directory.file("err"));
    ran.status = proxy::run_command(static_cast<int>(argv.size()), argv.data());
    std::cout.flush();
    std::fflush(nullptr);
    std::cin.rdbuf(before);
  }
  ran.out = directory.read("out");
  ran.err = directory.read("err");
  return ran;
}

}  // namespace

TEST_CASE("version") {
  const Directory directory;
  const auto people = saslift_with(directory, {"version"});
  CHECK(people.status == 0);
  CHECK(people.out == "saslift " SASLIFT_VERSION "\n");
  CHECK(saslift_with(directory, {"version", "--json"}).out == "{\"version\":\"" SASLIFT_VERSION "\"}\n");
}

TEST_CASE("wrong use is 2 and says so, help is 0") {
  const Directory directory;
  struct Row {
    std::vector<std::string> arguments;
    const char* said;
  };
  for (const Row& row : {Row{{}, "subcommand"}, Row{{"sing-in"}, "unknown command 'sing-in'"}, Row{{"sign-in"}, "NAME"},
                         Row{{"check", "--colour"}, "--colour"}, Row{{"run", "--config"}, "--config"},
                         Row{{"password", "a", "b"}, "b"}, Row{{"--nonsense"}, ""}}) {
    const auto ran = saslift_with(directory, row.arguments);
    CHECK(ran.status == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err.find(row.said) != std::string::npos);
  }
  const auto help = saslift_with(directory, {"--help"});
  CHECK(help.status == 0);
  CHECK(help.out.find("password") != std::string::npos);
  CHECK(help.out.find("worker") == std::string::npos);
  CHECK(help.out.find("fetch") == std::string::npos);
  CHECK(saslift_with(directory, {"check", "--help"}).status == 0);
}

TEST_CASE("password: 20 letters and digits, shown once, with the lines that take it") {
  const Directory directory;
  const auto ran = saslift_with(directory, {"password", "scanner"});
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  REQUIRE(ran.out.starts_with("password: "));
  const auto password = ran.out.substr(10, ran.out.find('\n') - 10);
  CHECK(password.size() == 20);
  CHECK(password.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
        std::string::npos);
  CHECK(ran.out.find(password, 30) == std::string::npos);
  const auto hash_at = ran.out.find("$argon2id$");
  const auto hash = ran.out.substr(hash_at, ran.out.find('"', hash_at) - hash_at);
  CHECK(auth::verify_password(hash, config::Secret(password)) == auth::PasswordCheck::matches);
  CHECK(ran.out.find("[account.scanner]\nlogin    = \"scanner\"\npassword = \"$argon2id$") != std::string::npos);
}

TEST_CASE("password --json, and a chosen one from standard input") {
  const Directory directory;
  const auto made = nlohmann::json::parse(saslift_with(directory, {"password", "a\\b", "--json"}).out);
  CHECK(made.size() == 3);
  CHECK(made.at("login") == "a\\b");
  CHECK(made.at("password").get<std::string>().size() == 20);
  const auto chosen = nlohmann::json::parse(
      saslift_with(directory, {"password", "x", "--stdin", "--json"}, "my pass word\r\nrest\n").out);
  CHECK(chosen.at("password") == "my pass word");
  CHECK(auth::verify_password(chosen.at("hash").get<std::string>(), config::Secret("my pass word")) ==
        auth::PasswordCheck::matches);
  const auto quiet = saslift_with(directory, {"password", "x", "--stdin"}, "my pass word\n");
  CHECK(quiet.out.find("my pass word") == std::string::npos);
  for (const std::string& input : {std::string(), std::string("\n"), std::string("a\tb\n"), std::string(1025, 'x')}) {
    CHECK(saslift_with(directory, {"password", "x", "--stdin"}, input).status == 2);
  }
  CHECK(saslift_with(directory, {"password", "a\nb"}).status == 2);
}

TEST_CASE("check: a good configuration and what it would do") {
  const Directory directory;
  directory.write("saslift.toml", configuration(directory));
  const auto people = saslift_with(directory, {"check", "--config", directory.file("saslift.toml")});
  CHECK(people.status == 0);
  CHECK(people.out.find("1 account, 1 identity\n") != std::string::npos);
  CHECK(people.out.find("  imap  127.0.0.1:0              tls off\n") != std::string::npos);
  CHECK(people.out.find("opens every mailbox granted to its app") != std::string::npos);
  CHECK(people.err.find("warning: " + directory.file("saslift.toml")) != std::string::npos);
  CHECK((people.out + people.err).find("literal~secret") == std::string::npos);
  const auto json = nlohmann::json::parse(
      saslift_with(directory, {"check", "--json", "--config", directory.file("saslift.toml")}).out);
  CHECK(json.at("ok") == true);
  CHECK(json.at("problems").empty());
  CHECK(json.at("warnings").size() >= 1);
  CHECK(json.at("listeners").at(0).at("address") == "127.0.0.1:0");
  CHECK(::access(directory.file("state").c_str(), F_OK) != 0);
}

TEST_CASE("check: a broken configuration, all problems with their places") {
  const Directory directory;
  const auto path = directory.file("saslift.toml");
  directory.write("saslift.toml", "[service]\nworker = 3\n\n[account.a]\npasword = \"x\"\n");
  const auto people = saslift_with(directory, {"check", "--config", path});
  CHECK(people.status == 2);
  CHECK(people.out.empty());
  CHECK(people.err.find(path + ":2:") != std::string::npos);
  CHECK(people.err.find(path + ":5:") != std::string::npos);
  CHECK(people.err.find("saslift would not start\n") != std::string::npos);
  const auto ran = saslift_with(directory, {"check", "--config", path, "--json"});
  CHECK(ran.status == 2);
  const auto json = nlohmann::json::parse(ran.out);
  CHECK(json.at("ok") == false);
  CHECK(json.at("problems").size() >= 2);
  CHECK(json.at("problems").at(0).at("line") == 2);
  CHECK(saslift_with(directory, {"check", "--config", directory.file("missing.toml")}).status == 2);
  // What is running is not judged by a file that it may never have read.
  CHECK(saslift_with(directory, {"status", "--config", path}).status == 1);
  directory.write("saslift.toml", "[service\n");
  CHECK(saslift_with(directory, {"status", "--config", path}).status == 2);
}

TEST_CASE("status without a keeper is no") {
  const Directory directory;
  directory.write("saslift.toml", configuration(directory));
  const auto ran = saslift_with(directory, {"status", "--config", directory.file("saslift.toml")});
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(ran.err.find("not running") != std::string::npos);
}
