#include "proxy/keeper/service_manager.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "on_loop.h"
#include "proxy/keeper/descriptor.h"
#include "proxy/keeper/loop_watch.h"

using namespace saslift;
using namespace saslift::proxy::keeper;
using tests::run_until;

namespace {

// The service manager's end, in the abstract namespace under a name of this process.
struct Manager {
  Manager() : socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    static int number = 0;
    name = "@saslift-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }
  [[nodiscard]] bool hears_within(auth::Duration time) const {
    pollfd waiting{socket.get(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;
  }
  std::vector<std::string> heard() {
    std::vector<std::string> all;
    std::array<char, 512> text{};
    for (ssize_t size = 0; (size = ::recv(socket.get(), text.data(), text.size(), 0)) > 0;) {
      all.emplace_back(text.data(), static_cast<std::size_t>(size));
    }
    return all;
  }

  Descriptor socket;
  std::string name;
};

}  // namespace

TEST_CASE("the environment's words for the service manager are taken once") {
  ::setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const auto address = take_service_manager_address();
  CHECK(address.socket == "/run/systemd/notify");
  CHECK(address.watchdog == auth::Duration{30'000});
  CHECK(take_service_manager_address().socket.empty());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK(take_service_manager_address().watchdog == auth::Duration{0});
}

TEST_CASE("the service manager hears each state, and nobody is told where there is none") {
  proxy::net::Loop loop;
  Manager manager;
  ServiceManager told(loop, {manager.name, {}});
  told.ready();
  told.reloading();
  told.stopping();
  const auto heard = manager.heard();
  REQUIRE(heard.size() == 3);
  CHECK(heard[0].starts_with("READY=1\n"));
  CHECK(heard[1].starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(heard[2].starts_with("STOPPING=1\n"));
  ServiceManager(loop, {}).ready();
  ServiceManager(loop, {"@nobody-listens-here", auth::Duration{10}}).ready();
}

TEST_CASE("FAULTS 81: the watchdog is fed by the loop, and by nobody while that stands still") {
  proxy::net::Loop loop;
  Manager manager;
  ServiceManager told(loop, {manager.name, auth::Duration{30}});
  CHECK_FALSE(manager.hears_within(auth::Duration{100}));  // not ready: systemd does not wait for it yet either
  told.ready();
  CHECK(manager.heard() == std::vector<std::string>{"READY=1\nSTATUS=serving", "WATCHDOG=1"});
  CHECK_FALSE(manager.hears_within(auth::Duration{100}));
  std::size_t fed = 0;
  run_until(loop, [&] {
    for (const auto& text : manager.heard()) fed += text == "WATCHDOG=1" ? 1 : 0;
    return fed >= 3;
  });
  CHECK(fed >= 3);
}

TEST_CASE("FAULTS 81: a turn of the loop that takes long is told, waiting is not") {
  proxy::net::Loop loop;
  std::vector<auth::Duration> stalls;
  const LoopWatch watch(loop, LoopWatch::usual_limit, [&](auth::Duration turn) { stalls.push_back(turn); });
  int turns = 0;
  proxy::net::Timer timer(loop, [&] { ++turns; });
  const auto wait = [&](auth::Duration time) {
    const int before = turns;
    timer.set(time);
    run_until(loop, [&] { return turns > before; });
  };
  wait(auth::Duration{1});
  const std::size_t before = stalls.size();  // a machine under load may stall by itself
  loop.later([] { std::this_thread::sleep_for(std::chrono::milliseconds{250}); });
  wait(auth::Duration{300});
  wait(auth::Duration{1});
  REQUIRE(stalls.size() > before);
  CHECK(*std::max_element(stalls.begin(), stalls.end()) >= auth::Duration{250});
}
