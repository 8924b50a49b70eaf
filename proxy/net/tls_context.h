// What TLS connections of one kind share: trust and tickets towards a provider, certificate and key towards
// clients. The only makers of TlsEngine, so that verification cannot be forgotten.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/secret.h"
#include "proxy/net/tls_engine.h"

struct ssl_ctx_st;
struct ssl_session_st;

namespace saslift::proxy::net {

struct ContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
using ContextHandle = std::unique_ptr<ssl_ctx_st, ContextDeleter>;

// Towards providers: TLS 1.2 or newer, chain and host name verified, sessions resumed.
class UpstreamTlsContext {
 public:
  // The system's trust and, where not empty, that of the two PEM files in addition. Throws
  // std::runtime_error when a file cannot be read or nothing is trusted.
  UpstreamTlsContext(const std::string& ca_file, const std::string& more_ca_file);
  UpstreamTlsContext(const UpstreamTlsContext&) = delete;
  UpstreamTlsContext& operator=(const UpstreamTlsContext&) = delete;
  ~UpstreamTlsContext();

  struct Server {
    std::string host;  // SNI, and what the certificate must name; an address is matched as such
    std::uint16_t port = 0;
  };
  // The context outlives the engine.
  [[nodiscard]] std::unique_ptr<TlsEngine> connect(const Server& server);

 private:
  struct SessionDeleter {
    void operator()(ssl_session_st* session) const;
  };
  using Session = std::unique_ptr<ssl_session_st, SessionDeleter>;
  using Tickets = std::vector<Session>;

  static int keep_ticket(ssl_st* ssl, ssl_session_st* session);

  ContextHandle context_;
  std::map<std::string, Tickets> tickets_;  // by host:port; a ticket is used once
};

enum class TlsVersions : std::uint8_t { current, legacy };

struct ListenerTlsRules {
  std::string alpn;  // the protocol's name: a client that offers others only is refused
  TlsVersions versions = TlsVersions::current;
};

// Towards clients: one listener's certificate and key.
class ListenerTlsContext {
 public:
  // PEM chain and key in one. Throws std::runtime_error when they do not fit.
  ListenerTlsContext(const config::Secret& pem, ListenerTlsRules rules);
  ListenerTlsContext(const ListenerTlsContext&) = delete;
  ListenerTlsContext& operator=(const ListenerTlsContext&) = delete;
  ~ListenerTlsContext();

  // Another certificate and key for connections to come. Throws like the constructor, and then keeps the old ones.
  void renew(const config::Secret& pem);

  // The context outlives the engine.
  [[nodiscard]] std::unique_ptr<TlsEngine> accept();

 private:
  ListenerTlsRules rules_;
  ContextHandle context_;
};

}  // namespace saslift::proxy::net
