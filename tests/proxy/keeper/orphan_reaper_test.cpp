#include "proxy/keeper/orphan_reaper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "catch.h"
#include "on_loop.h"
#include "proxy/keeper/child_process.h"
#include "proxy/keeper/descriptor.h"

using namespace saslift;
using namespace saslift::proxy::keeper;
using tests::run_until;

namespace {

// What a container's process 1 is by nature.
class Subreaper {
 public:
  Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;
  ~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

// A process whose parent has ended; it ends when told.
class Orphan {
 public:
  Orphan() {
    std::array<int, 2> told{};
    std::array<int, 2> who{};
    REQUIRE(::pipe2(told.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(who.data(), O_CLOEXEC) == 0);
    tell_ = Descriptor(told[1]);
    const Descriptor wait_for(told[0]);
    const Descriptor answer(who[0]);
    const Descriptor ask(who[1]);
    const pid_t parent = ::fork();
    if (parent == 0) {
      if (::fork() == 0) {
        ::close(told[1]);
        const pid_t self = ::getpid();
        if (::write(who[1], &self, sizeof self) != sizeof self) std::_Exit(1);
        char end = 0;
        std::_Exit(::read(told[0], &end, 1) == 0 ? 0 : 1);
      }
      std::_Exit(0);
    }
    REQUIRE(::waitpid(parent, nullptr, 0) == parent);
    REQUIRE(::read(answer.get(), &pid_, sizeof pid_) == sizeof pid_);
  }

  void end() { tell_.close(); }
  [[nodiscard]] bool waited_for() const { return ::kill(pid_, 0) != 0; }
  [[nodiscard]] bool is_zombie() const {
    siginfo_t ended{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == pid_;
  }

 private:
  Descriptor tell_;
  pid_t pid_ = 0;
};

Program exits_with(int status) {
  Program program;
  program.path = "/bin/sh";
  program.arguments = {"-c", "exit " + std::to_string(status)};
  return program;
}

}  // namespace

TEST_CASE("orphans come to process 1 and to subreapers only") {
  CHECK_FALSE(inherits_orphans());
  const Subreaper subreaper;
  CHECK(inherits_orphans());
}

TEST_CASE("orphans that end leave no zombie") {
  const Subreaper subreaper;
  proxy::net::Loop loop;
  const OrphanReaper reaper(loop);
  std::array<Orphan, 3> orphans;
  for (auto& orphan : orphans) {
    CHECK_FALSE(orphan.waited_for());
    orphan.end();
  }
  for (auto& orphan : orphans) run_until(loop, [&] { return orphan.waited_for(); });
}

TEST_CASE("an orphan that ended before the loop turned leaves no zombie") {
  const Subreaper subreaper;
  Orphan orphan;
  orphan.end();
  proxy::net::Loop loop;
  run_until(loop, [&] { return orphan.is_zombie(); });
  const OrphanReaper reaper(loop);
  run_until(loop, [&] { return orphan.waited_for(); });
}

TEST_CASE("the processes of the loop keep their exit status beside orphans") {
  const Subreaper subreaper;
  proxy::net::Loop loop;
  const OrphanReaper reaper(loop);
  constexpr int rounds = 20;
  std::vector<std::int64_t> statuses;
  std::vector<std::unique_ptr<ChildProcess>> children;
  std::vector<std::unique_ptr<Orphan>> orphans;
  for (int i = 0; i < rounds; ++i) {
    orphans.push_back(std::make_unique<Orphan>());
    children.push_back(std::make_unique<ChildProcess>(loop, exits_with(7), std::span<const uv_stdio_container_t>(),
                                                      [&](Exit exit) { statuses.push_back(exit.status); }));
    REQUIRE(children.back()->error() == 0);
    orphans.back()->end();
  }
  run_until(loop, [&] { return statuses.size() == rounds; });
  CHECK(statuses == std::vector<std::int64_t>(rounds, 7));
  for (auto& orphan : orphans) run_until(loop, [&] { return orphan->waited_for(); });
}
