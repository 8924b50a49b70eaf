#include "proxy/sign_in/redirect_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "catch.h"

using namespace saslift;
using namespace saslift::proxy;
using namespace std::chrono_literals;

namespace {

// A client whose every read ends, with the test, after 20 s.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  void send(const std::string& bytes) const { ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  [[nodiscard]] std::string rest() const {
    std::string all;
    std::array<char, 1024> chunk{};
    for (ssize_t size = 0; (size = ::recv(socket_.get(), chunk.data(), chunk.size(), 0)) > 0;)
      all.append(chunk.data(), static_cast<std::size_t>(size));
    return all;
  }

 private:
  keeper::Descriptor socket_;
  bool connected_ = false;
};

std::string get(std::uint16_t port, const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) + "\r\n\r\n";
}

std::optional<std::string> judged(std::string_view query) {
  if (query == "right") return std::nullopt;
  return "no";
}

auth::Instant in(auth::Duration time) { return auth::BootClock::now() + time; }

}  // namespace

TEST_CASE("FAULTS 49: silence, half requests, favicons and foreign answers do not keep the browser out") {
  auto listener = sign_in::RedirectListener::open({.port = 0, .path = "/"});
  REQUIRE(listener.has_value());
  const std::uint16_t port = listener->port();
  std::vector<std::string> replies;
  std::thread browser([&] {
    std::vector<Client> silent;
    for (int i = 0; i < 40; ++i) silent.emplace_back(port);
    const Client half(port);
    half.send("GET /?right HTTP/1.1\r\nHost: loc");
    const auto ask = [&](const std::string& path) {
      const Client client(port);
      client.send(get(port, path));
      return client.rest();
    };
    replies.push_back(ask("/favicon.ico"));
    replies.push_back(ask("/?wrong"));
    const Client slow(port);
    for (const char c : get(port, "/?right")) slow.send(std::string(1, c));
    replies.push_back(slow.rest());
  });
  CHECK(listener->wait(judged, in(20s)));
  listener->answer({.status = 200, .heading = "Signed in", .sentence = "You can close this window."});
  browser.join();
  REQUIRE(replies.size() == 3);
  CHECK(replies[0].starts_with("HTTP/1.1 404 "));
  CHECK(replies[1].starts_with("HTTP/1.1 400 "));
  CHECK(replies[2].starts_with("HTTP/1.1 200 "));
  CHECK(replies[2].find("You can close this window.") != std::string::npos);
  CHECK_FALSE(Client(port).connected());
}

TEST_CASE("the wait for a browser ends") {
  auto listener = sign_in::RedirectListener::open({.port = 0, .path = "/"});
  REQUIRE(listener.has_value());
  CHECK_FALSE(listener->wait(judged, in(50ms)));
}

TEST_CASE("a port that is taken is told") {
  auto first = sign_in::RedirectListener::open({.port = 0, .path = "/"});
  REQUIRE(first.has_value());
  const auto second = sign_in::RedirectListener::open({.port = first->port(), .path = "/"});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error() == "Address already in use");
}
