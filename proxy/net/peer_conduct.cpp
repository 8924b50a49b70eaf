#include "proxy/net/peer_conduct.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>

namespace saslift::proxy::net {
namespace {

int conduct_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

PeerConduct* conduct_of(const SSL* connection) {
  return static_cast<PeerConduct*>(SSL_get_ex_data(connection, conduct_index()));
}

// RFC 8446 4.2.1: one byte of length, then versions; RFC 8701: 0x?A?A are fillers.
unsigned newest_of(std::string_view supported_versions) {
  unsigned newest = 0;
  for (std::size_t at = 1; at + 1 < supported_versions.size(); at += 2) {
    const unsigned version = static_cast<unsigned>(static_cast<unsigned char>(supported_versions[at])) << 8U |
                             static_cast<unsigned char>(supported_versions[at + 1]);
    if ((version & 0x0F0FU) != 0x0A0AU) newest = std::max(newest, version);
  }
  return newest;
}

int hello_came(SSL* connection, int*, void*) {
  PeerConduct* conduct = conduct_of(connection);
  if (conduct == nullptr || conduct->handshake_done) return SSL_CLIENT_HELLO_SUCCESS;
  const unsigned char* list = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(connection, TLSEXT_TYPE_supported_versions, &list, &size) == 1) {
    conduct->newest_offered = newest_of({reinterpret_cast<const char*>(list), size});
  } else {
    conduct->newest_offered = SSL_client_hello_get0_legacy_version(connection);
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

void state_changed(const SSL* connection, int where, int) {
  PeerConduct* conduct = conduct_of(connection);
  if (conduct == nullptr) return;
  if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
    conduct->handshake_done = true;
  } else if (conduct->handshake_done && where == SSL_CB_ACCEPT_LOOP) {
    ++conduct->turns;
  }
}

}  // namespace

void watch_clients(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, &hello_came, nullptr);
  SSL_CTX_set_info_callback(context, &state_changed);
}

void watch(SSL* connection, PeerConduct& conduct) { SSL_set_ex_data(connection, conduct_index(), &conduct); }

std::string version_name(unsigned version) {
  if (version == SSL3_VERSION) return "SSL 3.0";
  if (version >> 8U == SSL3_VERSION_MAJOR && version > SSL3_VERSION)
    return fmt::format("TLS 1.{}", (version & 0xFFU) - 1);
  return "SSL 2.0";
}

}  // namespace saslift::proxy::net
