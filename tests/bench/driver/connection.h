// One non-blocking connection to the thing under test, plain or TLS, that carries a Conversation.
// Throws Unexpected when the connection or the conversation fails.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/bench/driver/conversation.h"

namespace saslift::bench {

using Clock = std::chrono::steady_clock;

class ClientTls {
 public:
  explicit ClientTls(const std::string& ca_file);
  [[nodiscard]] SSL_CTX* get() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

struct Target {
  std::string address;  // IPv4
  std::uint16_t port = 0;
  const ClientTls* tls = nullptr;  // none: plain
  std::string server_name;
};

class Connection {
 public:
  Connection(const Target& target, const Script& script, std::string user);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // All that can be done without waiting.
  void advance();
  void leave();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::uint32_t interest() const;  // epoll events
  [[nodiscard]] bool logged_in() const { return login_time_.has_value(); }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] double login_ms() const;
  [[nodiscard]] const Conversation& conversation() const { return conversation_; }

 private:
  enum class Phase : std::uint8_t { connecting, handshaking, open };
  // Bytes moved, none when it has to wait, or the orderly end of the stream.
  struct Moved {
    std::size_t bytes = 0;
    enum class Wait : std::uint8_t { no, readable, writable, end } wait = Wait::no;
  };

  void finish_connect();
  void shake_hands();
  void send();
  void receive();
  [[nodiscard]] Moved write_some(std::string_view bytes);
  [[nodiscard]] Moved read_some(char* room, std::size_t size);
  [[nodiscard]] Moved tls_outcome(int result, const char* what);
  [[noreturn]] void fail(const std::string& what) const;

  Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> login_time_;
  int descriptor_ = -1;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  Phase phase_ = Phase::connecting;
  bool wants_write_ = true;
  bool ended_ = false;
  Conversation conversation_;
};

}  // namespace saslift::bench
