#include "proxy/sign_in/redirect_listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace saslift::proxy::sign_in {
namespace {

using auth::BootClock;
using keeper::Descriptor;

constexpr int backlog = 16;
constexpr int attempts_at_a_port = 16;
constexpr auth::Duration patience{10'000};
constexpr auth::Duration patience_after_answer{2'000};

// -1, errno: why not.
int listen_on(const sockaddr* address, socklen_t size) {
  Descriptor made(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.get() < 0) return -1;
  const int on = 1;
  if (address->sa_family == AF_INET6) setsockopt(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(made.get(), address, size) != 0 || ::listen(made.get(), backlog) != 0) return -1;
  return made.release();
}

int listen_on_ipv4(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int listen_on_ipv6(std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::uint16_t port_of(const Descriptor& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Both families at one port, because "localhost" may mean either; false, errno: why not.
bool listen_at(std::uint16_t wanted, std::vector<Descriptor>& listeners) {
  Descriptor ipv4(listen_on_ipv4(wanted));
  if (ipv4.get() < 0) return false;
  Descriptor ipv6(listen_on_ipv6(port_of(ipv4)));
  // A host without IPv6 has no ::1 that a browser could ask instead.
  if (ipv6.get() < 0 && errno == EADDRINUSE) return false;
  listeners.clear();
  listeners.push_back(std::move(ipv4));
  if (ipv6.get() >= 0) listeners.push_back(std::move(ipv6));
  return true;
}

int milliseconds_until(auth::Instant until) {
  const auto left = (until - BootClock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000));
}

}  // namespace

std::expected<RedirectListener, std::string> RedirectListener::open(RedirectTarget wanted) {
  RedirectListener made;
  int attempts = wanted.port == 0 ? attempts_at_a_port : 1;
  while (!listen_at(wanted.port, made.listeners_)) {
    if (--attempts == 0) return std::unexpected(std::string(std::strerror(errno)));
  }
  made.target_ = std::move(wanted);
  made.target_.port = port_of(made.listeners_.front());
  return made;
}

void RedirectListener::accept_from(const Descriptor& listener) {
  while (true) {
    Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() < 0) return;
    // The oldest goes first: those who only connect cannot keep the browser out.
    if (connections_.size() >= most_connections) connections_.erase(connections_.begin());
    Connection connection;
    connection.socket = std::move(socket);
    connection.until = BootClock::now() + patience;
    connections_.push_back(std::move(connection));
  }
}

void RedirectListener::send_page(Connection& connection, const Page& page) {
  const std::string text = response(page);
  ::send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  ::shutdown(connection.socket.get(), SHUT_WR);
  connection.answered = true;
  connection.until = BootClock::now() + patience_after_answer;
}

bool RedirectListener::read_from(Connection& connection, const Judge& judge) {
  std::string bytes;
  bytes.reserve(largest_request + 1);
  bytes = connection.received.reveal();
  const std::size_t before = bytes.size();
  bytes.resize(largest_request);
  const ssize_t size = ::recv(connection.socket.get(), bytes.data() + before, bytes.size() - before, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  connection.ended = size <= 0;
  if (connection.ended || connection.answered) {
    config::wipe(bytes);
    return false;
  }
  bytes.resize(before + static_cast<std::size_t>(size));
  connection.received = config::Secret::taken_from(bytes);
  const RequestVerdict verdict = read_request(connection.received.reveal(), target_);
  if (std::holds_alternative<Incomplete>(verdict)) return false;
  if (const auto* refused = std::get_if<Refused>(&verdict)) {
    send_page(connection, {.status = refused->status, .heading = "Not here", .sentence = std::string(refused->why)});
    return false;
  }
  const auto foreign = judge(std::get<config::Secret>(verdict).reveal());
  if (!foreign) return true;
  send_page(connection, {.status = 400, .heading = "Not this sign-in", .sentence = *foreign});
  return false;
}

bool RedirectListener::wait(const Judge& judge, auth::Instant until) {
  while (BootClock::now() < until) {
    std::vector<pollfd> polled;
    for (const Descriptor& listener : listeners_) polled.push_back({listener.get(), POLLIN, 0});
    for (const Connection& connection : connections_) polled.push_back({connection.socket.get(), POLLIN, 0});
    if (::poll(polled.data(), polled.size(), milliseconds_until(until)) < 0 && errno != EINTR) return false;
    for (std::size_t at = 0; at < connections_.size(); ++at) {
      if (polled[listeners_.size() + at].revents == 0) continue;
      if (!read_from(connections_[at], judge)) continue;
      awaited_ = std::move(connections_[at].socket);
      connections_.clear();
      listeners_.clear();
      return true;
    }
    const auth::Instant now = BootClock::now();
    std::erase_if(connections_, [now](const Connection& one) { return one.ended || now >= one.until; });
    for (std::size_t at = 0; at < listeners_.size(); ++at) {
      if (polled[at].revents != 0) accept_from(listeners_[at]);
    }
  }
  return false;
}

void RedirectListener::answer(const Page& page) {
  if (!awaited_) return;
  const std::string text = response(page);
  ::send(awaited_->get(), text.data(), text.size(), MSG_NOSIGNAL);
  ::shutdown(awaited_->get(), SHUT_WR);
  // Closed with bytes unread it would be reset, and the page lost.
  const auth::Instant until = BootClock::now() + patience_after_answer;
  std::array<char, 1024> rest{};
  pollfd polled{awaited_->get(), POLLIN, 0};
  while (BootClock::now() < until && ::poll(&polled, 1, milliseconds_until(until)) > 0) {
    if (::recv(awaited_->get(), rest.data(), rest.size(), 0) <= 0) break;
  }
  awaited_.reset();
}

}  // namespace saslift::proxy::sign_in
