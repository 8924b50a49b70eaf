// A whole saslift, started as a process: this test program is its own worker and fetch process.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "proxy/commands/commands.h"
#include "proxy/fetch/fetch.h"
#include "proxy/keeper/control_socket.h"
#include "proxy/worker/worker.h"
#include "sample.h"

using namespace saslift;
using tests::Directory;

namespace {

using Clock = std::chrono::steady_clock;

// A forked child that is killed and reaped with its owner.
class Keeper {
 public:
  explicit Keeper(const Directory& directory) : directory_(directory) {
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int log = ::open(directory.file("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, 2);
    std::string config = directory.file("saslift.toml");
    std::array<char*, 4> argv{const_cast<char*>("saslift"), const_cast<char*>("run"), const_cast<char*>("--config"),
                              config.data()};
    std::_Exit(proxy::run_command(static_cast<int>(argv.size()), argv.data()));
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] int pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  // The wait status once it has ended.
  [[nodiscard]] int ended() {
    int status = -1;
    until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    pid_ = 0;
    return status;
  }
  [[nodiscard]] std::string log() const { return directory_.read("log"); }
  void logs(const std::string& text) const {
    until([&] { return log().find(text) != std::string::npos; });
  }

  template <class Reached>
  static void until(Reached reached) {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (!reached()) {
      REQUIRE(Clock::now() < deadline);
      ::poll(nullptr, 0, 5);
    }
  }

 private:
  const Directory& directory_;
  pid_t pid_ = 0;
};

nlohmann::json status_of(const Directory& directory) {
  const auto reply = proxy::keeper::ask_keeper(directory.file("state/control"), R"({"command":"status"})");
  REQUIRE(reply);
  return nlohmann::json::parse(*reply);
}

std::string greeting_of(const std::string& address) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
  REQUIRE(::connect(connection, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  std::array<char, 512> text{};
  pollfd ready{connection, POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 20'000) == 1);
  const ssize_t size = ::recv(connection, text.data(), text.size(), 0);
  ::close(connection);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

// Whether readable memory of a process holds the text.
bool memory_holds(int pid, const std::string& text) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::ifstream memory("/proc/" + std::to_string(pid) + "/mem", std::ios::binary);
  REQUIRE(memory.good());
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char readable = '-';
    if (std::sscanf(line.c_str(), "%lx-%lx %c", &from, &to, &readable) != 3 || readable != 'r') continue;
    if (to - from > 256UL * 1024 * 1024) continue;
    std::string bytes(to - from, '\0');
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(from));
    memory.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (bytes.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("worker", "[.]") { std::_Exit(proxy::run_worker()); }
TEST_CASE("fetch", "[.]") { std::_Exit(proxy::fetch::run_fetch()); }

TEST_CASE("run: listens, tells its status, takes no second keeper, survives a worker, and ends on SIGTERM with 0") {
  const Directory directory;
  directory.write("saslift.toml", tests::configuration(directory));
  Keeper keeper(directory);
  keeper.logs(" listening ");
  keeper.logs(" worker_started ");
  auto status = status_of(directory);
  CHECK(status.at("pid") == keeper.pid());
  CHECK(status.at("identities").at(0).at("name") == "office");
  const std::string address = status.at("listeners").at(0).at("address");
  CHECK(keeper.log().find("address=" + address) != std::string::npos);
  CHECK(greeting_of(address).starts_with("* OK "));

  Keeper second(directory);
  CHECK(second.ended() == 1 << 8);
  keeper.logs("already running");

  const int worker = status.at("workers").at(0).at("pid");
  ::kill(worker, SIGKILL);
  keeper.logs("worker_died pid=" + std::to_string(worker) + " status=\"signal 9\"");
  Keeper::until([&] {
    status = status_of(directory);
    return status.at("workers").at(0).at("restarts") == 1 && status.at("workers").at(0).at("pid") != 0;
  });
  CHECK(greeting_of(address).starts_with("* OK "));

  keeper.signal(SIGHUP);
  keeper.logs(" reloaded ");
  keeper.signal(SIGTERM);
  CHECK(keeper.ended() == 0);
  CHECK(keeper.log().ends_with(" info stopped reason=drained\n"));
  CHECK(::access(directory.file("state/control").c_str(), F_OK) != 0);
  CHECK(keeper.log().find("literal~secret") == std::string::npos);
}

TEST_CASE("run: the client secret is in the keeper and in no worker") {
  const Directory directory;
  std::string text = tests::configuration(directory);
  const std::string secret = "~" + std::string(auth::generate_password().reveal());  // no constant of this program
  tests::replace(text, "literal~secret", secret);
  directory.write("saslift.toml", text);
  Keeper keeper(directory);
  keeper.logs(" worker_started ");
  if (::access(("/proc/" + std::to_string(keeper.pid()) + "/mem").c_str(), R_OK) != 0) {
    WARN("not shown: this user may not read a protected process's memory");
    return;
  }
  CHECK(memory_holds(keeper.pid(), secret));
  const auto workers = status_of(directory).at("workers");
  REQUIRE_FALSE(workers.empty());
  for (const auto& worker : workers) CHECK_FALSE(memory_holds(worker.at("pid"), secret));
  for (const auto& worker : workers) CHECK(memory_holds(worker.at("pid"), "XOAUTH2"));  // the search does find
  keeper.signal(SIGINT);
  CHECK(keeper.ended() == 0);
  CHECK(keeper.log().find(secret) == std::string::npos);
}

TEST_CASE("run: a broken configuration is told and 2, a taken port is told and 1") {
  const Directory directory;
  directory.write("saslift.toml", "[service]\nworker = 3\n");
  Keeper broken(directory);
  CHECK(broken.ended() == 2 << 8);
  CHECK(broken.log().find(directory.file("saslift.toml") + ":2:") != std::string::npos);

  directory.write("saslift.toml", tests::configuration(directory));
  Keeper first(directory);
  first.logs(" listening ");
  const Directory other;
  std::string text = tests::configuration(other);
  tests::replace(text, "127.0.0.1:0", status_of(directory).at("listeners").at(0).at("address"));
  other.write("saslift.toml", text);
  Keeper second(other);
  CHECK(second.ended() == 1 << 8);
  CHECK(second.log().find("cannot listen on 127.0.0.1:") != std::string::npos);
}

TEST_CASE("run: a second SIGTERM ends at once") {
  const Directory directory;
  directory.write("saslift.toml", tests::configuration(directory));
  Keeper keeper(directory);
  keeper.logs(" worker_started ");
  ::kill(status_of(directory).at("workers").at(0).at("pid").get<int>(), SIGSTOP);  // it will not drain
  keeper.signal(SIGTERM);
  keeper.logs(" draining ");
  keeper.signal(SIGTERM);
  CHECK(keeper.ended() == 0);
  CHECK(keeper.log().find("stopped reason=\"told twice\"") != std::string::npos);
}
