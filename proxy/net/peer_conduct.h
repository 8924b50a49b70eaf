// What a TLS client shows of itself: the newest version it offers, and what it asks for once TLS stands.
#pragma once

#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace saslift::proxy::net {

struct PeerConduct {
  unsigned newest_offered = 0;  // as in a ClientHello, 0x0303 for TLS 1.2; 0: none came
  bool handshake_done = false;
  int turns = 0;  // renegotiations asked for and keys changed since (RFC 8446 4.6.3)
};

// OpenSSL bounds neither, and each costs us work and an answer. One change of keys takes some five turns, so that a
// dozen are taken; no mail client comes to its first before gigabytes.
inline constexpr int most_turns = 64;

// Makes the connections of a server's context report to what watch() gave each.
void watch_clients(ssl_ctx_st* context);
// `conduct` outlives the connection.
void watch(ssl_st* connection, PeerConduct& conduct);

// "TLS 1.0"
[[nodiscard]] std::string version_name(unsigned version);

}  // namespace saslift::proxy::net
