#include "proxy/keeper/control_socket.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <thread>

#include "../fetch/hostile_endpoint.h"
#include "catch.h"
#include "on_loop.h"
#include "proxy/keeper/control_requests.h"
#include "proxy/keeper/descriptor.h"

using namespace saslift;
using namespace saslift::proxy::keeper;
using tests::run_until;

namespace {

void echo(std::string_view request, const ControlSocket::Answer& answer) { answer("you said " + std::string(request)); }

std::unique_ptr<ControlSocket> opened(proxy::net::Loop& loop, const std::string& path,
                                      ControlSocket::Limits limits = {}) {
  auto control = ControlSocket::open(loop, path, limits, echo);
  REQUIRE(control);
  return std::move(*control);
}

Descriptor caller(const std::string& path) {
  Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::fcntl(connection.get(), F_SETFL, O_NONBLOCK);
  return connection;
}

bool is_closed(const Descriptor& connection) {
  char byte = 0;
  const ssize_t size = ::recv(connection.get(), &byte, 1, MSG_PEEK);
  return size == 0 || (size < 0 && errno == ECONNRESET);
}

// ask_keeper() blocks, so it runs beside the loop.
std::expected<std::string, AskError> ask(proxy::net::Loop& loop, const std::string& path, const std::string& what) {
  std::atomic<bool> done = false;
  std::expected<std::string, AskError> reply;
  uv_async_t wake{};
  uv_async_init(loop.raw(), &wake, [](uv_async_t*) {});
  std::thread asking([&] {
    reply = ask_keeper(path, what);
    done = true;
    uv_async_send(&wake);
  });
  run_until(loop, [&] { return done.load(); });
  asking.join();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake), nullptr);
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  return reply;
}

}  // namespace

TEST_CASE("one line in, one line out, for the owner alone") {
  tests::TemporaryDirectory directory;
  proxy::net::Loop loop;
  const auto path = directory.file("control");
  const auto control = opened(loop, path);
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(ask(loop, path, "hello").value() == "you said hello");
  CHECK(ask(loop, path, "again").value() == "you said again");
}

TEST_CASE("the directory is made with mode 0700, and its parents are not") {
  tests::TemporaryDirectory directory;
  proxy::net::Loop loop;
  const auto state = directory.path() + "/state";
  {
    const auto control = opened(loop, state + "/control");
    struct stat status{};
    REQUIRE(::stat(state.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  CHECK(::rmdir(state.c_str()) == 0);  // the socket went with its owner
  const auto deep = ControlSocket::open(loop, directory.path() + "/a/b/control", {}, echo);
  REQUIRE_FALSE(deep);
  CHECK(deep.error().kind == ControlFailure::unusable);
}

TEST_CASE("a live keeper keeps its socket, a dead one's is taken over, and a stranger's file is left alone") {
  tests::TemporaryDirectory directory;
  proxy::net::Loop loop;
  const auto path = directory.file("control");
  {
    const auto control = opened(loop, path);
    const auto second = ControlSocket::open(loop, path, {}, echo);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ControlFailure::already_running);
  }
  {
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  CHECK(ask(loop, path, "x").error().kind == AskFailure::nobody_there);
  {
    const auto control = opened(loop, path);
    CHECK(ask(loop, path, "x").value() == "you said x");
  }
  std::ofstream(path) << "a file";
  const auto third = ControlSocket::open(loop, path, {}, echo);
  REQUIRE_FALSE(third);
  CHECK(third.error().kind == ControlFailure::unusable);
  CHECK(::access(path.c_str(), F_OK) == 0);
}

TEST_CASE("half-requests and floods end, and stall nobody") {
  tests::TemporaryDirectory directory;
  proxy::net::Loop loop;
  const auto path = directory.file("control");
  const auto control = opened(loop, path, {.patience = auth::Duration{100}, .patience_for_us = auth::Duration{20'000}});
  std::vector<Descriptor> silent;
  for (std::size_t i = 0; i < ControlSocket::most_callers - 1; ++i) silent.push_back(caller(path));
  CHECK(ask(loop, path, "still there?").value() == "you said still there?");

  const Descriptor last = caller(path);
  const Descriptor one_too_many = caller(path);
  run_until(loop, [&] { return is_closed(one_too_many); });
  run_until(loop, [&] { return is_closed(silent.front()) && is_closed(silent.back()) && is_closed(last); });

  const Descriptor shouting = caller(path);
  const std::string noise(3 * ControlSocket::longest_request, 'x');
  REQUIRE(::send(shouting.get(), noise.data(), noise.size(), MSG_NOSIGNAL) > 0);
  run_until(loop, [&] { return is_closed(shouting); });
  CHECK(ask(loop, path, "and now?").value() == "you said and now?");
}

TEST_CASE("an answer may come later; one for a caller that is gone is no error") {
  ::signal(SIGPIPE, SIG_IGN);  // as the keeper does
  tests::TemporaryDirectory directory;
  proxy::net::Loop loop;
  const auto path = directory.file("control");
  std::vector<ControlSocket::Answer> waiting;
  auto control = ControlSocket::open(
      loop, path, {}, [&](std::string_view, ControlSocket::Answer answer) { waiting.push_back(std::move(answer)); });
  REQUIRE(control);
  const Descriptor patient = caller(path);
  REQUIRE(::send(patient.get(), "x\n", 2, MSG_NOSIGNAL) == 2);
  Descriptor impatient = caller(path);
  REQUIRE(::send(impatient.get(), "y\n", 2, MSG_NOSIGNAL) == 2);
  run_until(loop, [&] { return waiting.size() == 2; });
  impatient.close();
  for (const auto& answer : waiting) {
    answer("later");
    answer("twice");
  }
  run_until(loop, [&] {
    std::array<char, 64> reply{};
    const ssize_t size = ::recv(patient.get(), reply.data(), reply.size(), 0);
    return size == 6 && std::string_view(reply.data(), 6) == "later\n";
  });
  run_until(loop, [&] { return is_closed(patient); });
  waiting.front()("too late");
  control->reset();
  waiting.front()("after the end");
}

TEST_CASE("a request of 64 KiB arrives whole") {
  tests::TemporaryDirectory directory;
  proxy::net::Loop loop;
  const auto path = directory.file("control");
  const auto control = opened(loop, path);
  const std::string long_one(ControlSocket::longest_request, 'x');
  CHECK(ask(loop, path, long_one).value() == "you said " + long_one);
  CHECK_FALSE(ask(loop, path, long_one + 'x').has_value());
}
