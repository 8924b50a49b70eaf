#include "tests/bench/driver/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace saslift::bench {
namespace {

constexpr std::size_t read_size = 256 * 1024;

std::string tls_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "no reason given";
}

}  // namespace

ClientTls::ClientTls(const std::string& ca_file) : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
  SSL_CTX_set_verify(get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_load_verify_locations(get(), ca_file.c_str(), nullptr) != 1) {
    throw Unexpected(fmt::format("{}: no certificates to trust", ca_file));
  }
}

Connection::Connection(const Target& target, const Script& script, std::string user)
    : conversation_(script, std::move(user)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  if (inet_pton(AF_INET, target.address.c_str(), &address.sin_addr) != 1) fail("not an IPv4 address");
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) fail(std::strerror(errno));
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (target.tls != nullptr) {
    ssl_.reset(SSL_new(target.tls->get()));
    SSL_set_fd(ssl_.get(), descriptor_);
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(target.server_name.c_str()));  // the macro casts in the old style
    SSL_set1_host(ssl_.get(), target.server_name.c_str());
    SSL_set_connect_state(ssl_.get());
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    const int reason = errno;
    ::close(std::exchange(descriptor_, -1));
    fail(std::strerror(reason));
  }
}

Connection::~Connection() {
  if (ssl_ != nullptr && phase_ == Phase::open) SSL_shutdown(ssl_.get());
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint32_t Connection::interest() const {
  const bool write = wants_write_ || (phase_ == Phase::open && !conversation_.outgoing().empty());
  return EPOLLIN | (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

double Connection::login_ms() const {
  return std::chrono::duration<double, std::milli>(login_time_.value() - start_).count();
}

void Connection::advance() {
  if (phase_ == Phase::connecting) finish_connect();
  if (phase_ == Phase::handshaking) shake_hands();
  if (phase_ != Phase::open) return;
  send();
  receive();
}

void Connection::leave() {
  conversation_.leave();
  send();
}

void Connection::finish_connect() {
  int reason = 0;
  socklen_t size = sizeof reason;
  ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &reason, &size);
  if (reason != 0) fail(std::strerror(reason));
  sockaddr_in peer{};
  size = sizeof peer;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  if (::getpeername(descriptor_, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return;
  wants_write_ = false;
  phase_ = ssl_ != nullptr ? Phase::handshaking : Phase::open;
}

void Connection::shake_hands() {
  ERR_clear_error();
  const auto moved = tls_outcome(SSL_do_handshake(ssl_.get()), "handshake");
  if (moved.wait == Moved::Wait::end) fail("closed in the handshake");
  wants_write_ = moved.wait == Moved::Wait::writable;
  if (moved.wait == Moved::Wait::no) phase_ = Phase::open;
}

void Connection::send() {
  while (!conversation_.outgoing().empty()) {
    const auto moved = write_some(conversation_.outgoing());
    if (moved.wait != Moved::Wait::no) return;
    conversation_.sent(moved.bytes);
  }
}

void Connection::receive() {
  static std::vector<char> room(read_size);
  for (;;) {
    const auto moved = read_some(room.data(), room.size());
    if (moved.wait == Moved::Wait::end) {
      if (!conversation_.finished()) fail("the connection ended");
      ended_ = true;
      return;
    }
    if (moved.wait != Moved::Wait::no) return;
    conversation_.receive(std::string_view(room.data(), moved.bytes));
    if (!login_time_ && conversation_.logged_in()) login_time_ = Clock::now();
    send();
  }
}

Connection::Moved Connection::write_some(std::string_view bytes) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const std::size_t size = std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max());
    return tls_outcome(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(size)), "write");
  }
  const ssize_t size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0) return {static_cast<std::size_t>(size)};
  if (errno == EAGAIN || errno == EINTR) return {0, Moved::Wait::writable};
  fail(std::strerror(errno));
}

Connection::Moved Connection::read_some(char* room, std::size_t size) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return tls_outcome(SSL_read(ssl_.get(), room, static_cast<int>(size)), "read");
  }
  const ssize_t got = ::recv(descriptor_, room, size, 0);
  if (got > 0) return {static_cast<std::size_t>(got)};
  if (got == 0) return {0, Moved::Wait::end};
  if (errno == EAGAIN || errno == EINTR) return {0, Moved::Wait::readable};
  fail(std::strerror(errno));
}

Connection::Moved Connection::tls_outcome(int result, const char* what) {
  if (result > 0) return {static_cast<std::size_t>(result)};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {0, Moved::Wait::readable};
    case SSL_ERROR_WANT_WRITE:
      return {0, Moved::Wait::writable};
    case SSL_ERROR_ZERO_RETURN:
      return {0, Moved::Wait::end};
    default:
      fail(fmt::format("TLS {}: {}", what, tls_reason()));
  }
}

void Connection::fail(const std::string& what) const {
  throw Unexpected(fmt::format("while {}: {}", conversation_.state(), what));
}

}  // namespace saslift::bench
