// One TLS connection over memory: ciphertext in, plaintext out, and back. Knows no socket; TlsStream feeds it.
// Its BIO reads straight from the caller's buffer and appends records to the caller's output, because a
// BIO_s_mem copies twice and never shrinks.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxy/net/byte_stream.h"
#include "proxy/net/peer_conduct.h"

struct ssl_st;  // OpenSSL's SSL

namespace saslift::proxy::net {

class TlsEngine {
 public:
  struct Deleter {
    void operator()(ssl_st* ssl) const;
  };
  using Handle = std::unique_ptr<ssl_st, Deleter>;

  // What one call of receive() came to; several may be true.
  struct Progress {
    std::size_t consumed = 0;    // of the ciphertext
    std::size_t plaintext = 0;   // bytes at the front of the caller's buffer
    bool secured = false;        // the handshake ended in this call
    bool peer_finished = false;  // close_notify
    bool more = false;           // the buffer is full: call again with the rest of the ciphertext
  };
  using Received = std::expected<Progress, StreamError>;

  // A connection from TlsContext. `peer` names it in errors: "mail.example".
  TlsEngine(Handle ssl, std::string peer);
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;
  ~TlsEngine();

  // A client's first flight; a server has none. Records to send are appended to `out` by every call.
  [[nodiscard]] Received start(std::string& out);
  [[nodiscard]] Received receive(std::span<const char> ciphertext, std::span<char> plaintext, std::string& out);
  // Only after `secured`.
  [[nodiscard]] std::expected<void, StreamError> encrypt(std::string_view plaintext, std::string& out);
  // close_notify.
  void finish(std::string& out);

  [[nodiscard]] bool secured() const { return secured_; }
  [[nodiscard]] HalfClose half_close() const;

 private:
  friend struct MemoryBio;
  [[nodiscard]] StreamError error() const;
  [[nodiscard]] std::optional<StreamError> too_old(int reason) const;

  std::span<const char> input_;
  std::string* output_ = nullptr;
  std::string peer_;
  bool secured_ = false;
  PeerConduct conduct_;
  std::optional<StreamError> failure_;  // told once what came before it has been
  Handle ssl_;
};

}  // namespace saslift::proxy::net
