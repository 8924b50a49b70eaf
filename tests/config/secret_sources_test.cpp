#include "config/secret_sources.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "catch.h"
#include "tests/config/temporary_directory.h"

namespace saslift::config {
namespace {

using namespace std::chrono_literals;
using test::TemporaryDirectory;

constexpr gid_t foreign_group = 54321;

class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
  ~EnvironmentVariable() { unsetenv(name_); }

 private:
  const char* name_;
};

TEST_CASE("FAULTS 82: a secret file on an ordinary disk is refused when others may read or write it") {
  struct Row {
    mode_t mode;
    const char* refused;  // nullptr: taken
  };
  const auto row = GENERATE(values<Row>({{0600, nullptr},
                                         {0400, nullptr},
                                         {0640, nullptr},
                                         {0660, nullptr},
                                         {0644, "may be read by everybody; chmod o-r it"},
                                         {0604, "may be read by everybody; chmod o-r it"},
                                         {0602, "may be written by everybody; chmod o-w it"},
                                         {0666, "may be written by everybody; chmod o-w it"}}));
  const TemporaryDirectory directory(test::ordinary_parent());
  directory.write("a.secret", "s3cret", row.mode);
  INFO(std::oct << row.mode);
  const auto read = read_secret("file:a.secret", directory.path());
  REQUIRE(read.has_value() == (row.refused == nullptr));
  if (read) {
    CHECK(read->bytes.reveal() == "s3cret");
    CHECK(read->warnings.empty());
    CHECK(read->source == SecretSource::file);
  } else {
    CHECK(read.error().text.find(row.refused) != std::string::npos);
    CHECK(read.error().text.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("FAULTS 82: a group that is not saslift's own may not read a secret on an ordinary disk") {
  const TemporaryDirectory directory(test::ordinary_parent());
  const auto file = directory.write("a.secret", "s3cret", 0640);
  if (chown(file.c_str(), static_cast<uid_t>(-1), foreign_group) != 0) {
    WARN("needs root");
    return;
  }
  const auto read = read_secret("file:a.secret", directory.path());
  REQUIRE_FALSE(read);
  CHECK(read.error().text.find("may be read by a group that is not saslift's; chmod g-r it") != std::string::npos);
  chmod(file.c_str(), 0620);
  CHECK(read_secret("file:a.secret", directory.path()).error().text.find("chmod g-w") != std::string::npos);
  chmod(file.c_str(), 0600);
  CHECK(read_secret("file:a.secret", directory.path()).has_value());
}

TEST_CASE("where the platform keeps secrets, one that all may read brings a warning") {
  const TemporaryDirectory directory(test::ordinary_parent());
  const EnvironmentVariable credentials("CREDENTIALS_DIRECTORY", directory.path().string());
  const auto file = directory.write("office", "s3cret", 0644);
  const auto read = read_secret("credential:office", "/");
  REQUIRE(read);
  CHECK(read->bytes.reveal() == "s3cret");
  CHECK(read->source == SecretSource::credential);
  REQUIRE(read->warnings.size() == 1);
  CHECK(read->warnings[0].find("may be read by everybody") != std::string::npos);

  chmod(file.c_str(), 0440);
  if (chown(file.c_str(), static_cast<uid_t>(-1), foreign_group) == 0) {
    const auto by_group = read_secret("file:" + file.string(), "/");
    REQUIRE(by_group);
    CHECK(by_group->warnings.empty());
  }
  chmod(file.c_str(), 0446);
  CHECK_FALSE(read_secret("credential:office", "/"));
}

TEST_CASE("a secret on a tmpfs that all may read brings a warning") {
  const std::filesystem::path memory = "/dev/shm";
  if (!test::is_memory_file_system(memory) || access(memory.c_str(), W_OK) != 0) {
    WARN("no tmpfs to write to");
    return;
  }
  const TemporaryDirectory directory(memory);
  directory.write("a.secret", "s3cret", 0644);
  const auto read = read_secret("file:a.secret", directory.path());
  REQUIRE(read);
  CHECK(read->warnings.size() == 1);
}

TEST_CASE("a link out of the credentials is no credential") {
  const TemporaryDirectory directory(test::ordinary_parent());
  const TemporaryDirectory elsewhere(test::ordinary_parent());
  const EnvironmentVariable credentials("CREDENTIALS_DIRECTORY", directory.path().string());
  std::filesystem::create_symlink(elsewhere.write("office", "s3cret", 0644), directory.path() / "office");
  CHECK_FALSE(read_secret("credential:office", "/"));
}

TEST_CASE("credentials are plain names in a directory that is set") {
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(read_secret("credential:office", "/").error().text.find("$CREDENTIALS_DIRECTORY is not set") !=
        std::string::npos);
  const TemporaryDirectory directory;
  const EnvironmentVariable credentials("CREDENTIALS_DIRECTORY", directory.path().string());
  for (const char* wrong : {"credential:../passwd", "credential:a/b", "credential:..", "credential:"}) {
    INFO(wrong);
    CHECK_FALSE(read_secret(wrong, "/"));
  }
}

TEST_CASE("what is no readable file is refused and named") {
  const TemporaryDirectory directory;
  REQUIRE(mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
  directory.write("big", std::string(largest_secret + 1, 'x'));
  directory.write("full", std::string(largest_secret, 'x'));
  struct Row {
    const char* written;
    const char* expected;
  };
  for (const Row& row : {Row{"file:absent", "No such file"}, Row{"file:.", "is not a file"},
                         Row{"file:fifo", "is not a file"}, Row{"file:big", "over 64 KiB"}, Row{"file:", "nothing"}}) {
    INFO(row.written);
    const auto read = read_secret(row.written, directory.path());
    REQUIRE_FALSE(read);
    CHECK(read.error().text.find(row.expected) != std::string::npos);
  }
  CHECK(read_secret("file:full", directory.path())->bytes.size() == largest_secret);
}

TEST_CASE("a secret of the environment is overwritten there and found again at a reload") {
  const EnvironmentVariable variable("SASLIFT_TEST_SECRET", "c4nary");
  char* place = std::getenv("SASLIFT_TEST_SECRET");
  REQUIRE(place != nullptr);
  const auto first = read_secret("env:SASLIFT_TEST_SECRET", "/");
  REQUIRE(first);
  CHECK(first->bytes.reveal() == "c4nary");
  CHECK(std::string_view(place, 6) == std::string_view("\0\0\0\0\0\0", 6));
  const auto again = read_secret("env:SASLIFT_TEST_SECRET", "/");
  REQUIRE(again);
  CHECK(again->bytes.reveal() == "c4nary");
  CHECK_FALSE(read_secret("env:SASLIFT_TEST_UNSET", "/"));
}

TEST_CASE("literal secrets work with a warning, mistyped sources do not") {
  const auto literal = read_secret("q~8Q:x/y", "/");
  REQUIRE(literal);
  CHECK(literal->bytes.reveal() == "q~8Q:x/y");
  CHECK(literal->source == SecretSource::literal);
  CHECK(literal->warnings.size() == 1);
  CHECK(read_secret("flie:a", "/").error().text == "'flie:' is no source of secrets; did you mean 'file:'?");
  CHECK(read_secret("File:a", "/").error().text == "'File:' is no source of secrets; did you mean 'file:'?");
}

TEST_CASE("a command's output is the secret; no shell sees it") {
  const TemporaryDirectory directory;
  const auto output = [&](const std::string& command) {
    const auto read = read_secret("command:" + command, directory.path());
    return read ? std::string(read->bytes.reveal()) : "refused: " + read.error().text;
  };
  CHECK(output("/bin/echo 'two words' \"and three\" $HOME;ls") == "two words and three $HOME;ls\n");
  CHECK(output("echo ''") == "\n");
  directory.write("own", "#!/bin/sh\necho from here\n", 0700);
  CHECK(output("./own") == "from here\n");
  CHECK(output("/bin/cat") == "");
  CHECK(output("/bin/sh -c 'echo c4nary; echo c4nary >&2; exit 3'") ==
        "refused: the command '/bin/sh' failed (exit status 3); run it by hand as saslift's user to see why");
  CHECK(output("/bin/sh -c 'kill -9 $$'").find("failed (signal 9)") != std::string::npos);
  CHECK(output("/nonexistent").find("cannot be run: No such file") != std::string::npos);
  CHECK(output("echo 'open").find("does not close") != std::string::npos);
  CHECK(output(" ").find("no command") != std::string::npos);
}

// Gone, or at most waiting for init to reap it.
bool is_dead_before(pid_t pid, std::chrono::steady_clock::time_point deadline) {
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string word;
    if (!(status >> word >> word >> word) || word == "Z" || word == "X") return true;
    std::this_thread::yield();
  }
  return false;
}

TEST_CASE("a command is bounded in time and output, and leaves nothing running") {
  const auto text = [](const auto& result) { return result ? "" : result.error().text; };
  const TemporaryDirectory directory;
  const std::string pid_file = (directory.path() / "pid").string();
  const std::string script = "sleep 60 & echo $! > " + pid_file + "; wait";
  CHECK(text(run_secret_command({"/bin/sh", "-c", script}, {.time = 400ms, .output = 100})) ==
        "the command '/bin/sh' did not end within 0.4 s; run it by hand as saslift's user to see why");
  pid_t grandchild = 0;
  std::ifstream(pid_file) >> grandchild;
  REQUIRE(grandchild > 0);
  CHECK(is_dead_before(grandchild, std::chrono::steady_clock::now() + 5s));

  CHECK(text(run_secret_command({"/bin/sh", "-c", "while :; do echo xxxxxxxx; done"}, {.time = 5s, .output = 100})) ==
        "the command '/bin/sh' printed too much; it should print the secret alone");
  const auto exact = run_secret_command({"printf", "%s", std::string(100, 'x')}, {.time = 5s, .output = 100});
  REQUIRE(exact);
  CHECK(exact->size() == 100);
  // One that leaves its output open in the background is not waited for.
  const auto left = run_secret_command({"/bin/sh", "-c", "sleep 60 & echo done"}, {.time = 5s, .output = 100});
  REQUIRE(left);
  CHECK(left->reveal() == "done\n");
}

}  // namespace
}  // namespace saslift::config
