// What a listener's TLS takes and what not, against clients of every age, in memory.
#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "certificates.h"
#include "config/released_by.h"
#include "proxy/net/tls_context.h"

namespace saslift::proxy::net {
namespace {

using testing::Authority;
using testing::Leaf;

const std::string& rsa_pem() {
  static const std::string pem = [] {
    Leaf leaf;
    leaf.rsa_bits = 2048;
    return Authority().issue(leaf);
  }();
  return pem;
}

// A device: it verifies nothing and may be as old as it likes.
class Device {
 public:
  explicit Device(int oldest = TLS1_2_VERSION, int newest = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), oldest);
    SSL_CTX_set_max_proto_version(context_.get(), newest);
    SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
  }
  Device& ciphers(const char* list) {
    SSL_CTX_set_cipher_list(context_.get(), list);
    return *this;
  }
  Device& alpn(const std::string& name) {
    const std::string wire = static_cast<char>(name.size()) + name;
    SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()));
    return *this;
  }
  // The handshake; why it failed on our side.
  std::optional<StreamError> connect(ListenerTlsContext& listener) {
    server = listener.accept();
    ssl = SSL_new(context_.get());
    if (resume_) SSL_set_session(ssl, resume_.get());
    SSL_set_connect_state(ssl);
    client.emplace(TlsEngine::Handle(ssl), "server");
    std::string to_server, to_client;
    static_cast<void>(client->start(to_server));
    for (int flight = 0; flight < 6; ++flight) {
      if (const auto done = server->receive(std::exchange(to_server, {}), plain, to_client); !done) return done.error();
      static_cast<void>(client->receive(std::exchange(to_client, {}), plain, to_server));
    }
    return std::nullopt;
  }
  [[nodiscard]] bool is_secured() const { return client->secured() && server->secured(); }
  void resume_next() { resume_.reset(SSL_get1_session(ssl)); }
  // One message of the client's to the server and the answer back.
  TlsEngine::Received exchange(const std::string& text) {
    std::string records, answer;
    static_cast<void>(client->encrypt(text, records));
    auto received = server->receive(records, plain, answer);
    std::string ignored;
    static_cast<void>(client->receive(answer, plain, ignored));
    return received;
  }

  ContextHandle context_;
  std::unique_ptr<SSL_SESSION, config::ReleasedBy<SSL_SESSION_free>> resume_;
  SSL* ssl = nullptr;
  std::optional<TlsEngine> client;
  std::unique_ptr<TlsEngine> server;
  std::vector<char> plain = std::vector<char>(64 * 1024);
};

ListenerTlsContext listener_of(TlsVersions versions) {
  return ListenerTlsContext(config::Secret(rsa_pem()), {.alpn = "smtp", .versions = versions});
}

TEST_CASE("FAULTS 61: a device of TLS 1.0 or 1.1 is told from others, with the version it offers") {
  const auto [version, name] = GENERATE(std::pair{TLS1_VERSION, "TLS 1.0"}, std::pair{TLS1_1_VERSION, "TLS 1.1"});
  auto listener = listener_of(TlsVersions::current);
  Device device(TLS1_VERSION, version);
  const auto error = device.connect(listener);
  REQUIRE(error.has_value());
  CHECK(error->kind == StreamFailure::tls_too_old);
  CHECK(error->detail == name);
}

TEST_CASE("FAULTS 61: a device of TLS 1.2 with old ciphers only is told from others too") {
  auto listener = listener_of(TlsVersions::current);
  Device device(TLS1_2_VERSION, TLS1_2_VERSION);
  device.ciphers("AES128-SHA:AES256-SHA:@SECLEVEL=0");
  const auto error = device.connect(listener);
  REQUIRE(error.has_value());
  CHECK(error->kind == StreamFailure::tls_too_old);
  CHECK(error->detail == "old ciphers only");
}

TEST_CASE("a legacy listener takes every version from TLS 1.0 on, and old ciphers") {
  const int version = GENERATE(TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION);
  auto listener = listener_of(TlsVersions::legacy);
  Device device(version, version);
  CHECK_FALSE(device.connect(listener).has_value());
  CHECK(device.is_secured());
  if (version == TLS1_3_VERSION) return;
  const std::string cipher = GENERATE("AES128-SHA", "AES256-SHA", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-SHA");
  Device old(version, version);
  old.ciphers((cipher + ":@SECLEVEL=0").c_str());
  INFO(cipher);
  CHECK_FALSE(old.connect(listener).has_value());
  CHECK(old.is_secured());
}

TEST_CASE("FAULTS 62: a legacy listener leaves its neighbour as strict as it was") {
  auto legacy = listener_of(TlsVersions::legacy);
  auto current = listener_of(TlsVersions::current);
  Device device(TLS1_VERSION, TLS1_VERSION);
  CHECK_FALSE(device.connect(legacy).has_value());
  CHECK(Device(TLS1_VERSION, TLS1_VERSION).connect(current).has_value());
}

TEST_CASE("a legacy listener still picks what is best of what both know") {
  auto listener = listener_of(TlsVersions::legacy);
  Device device(TLS1_VERSION, TLS1_2_VERSION);
  device.ciphers("AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0");
  REQUIRE_FALSE(device.connect(listener).has_value());
  CHECK(SSL_version(device.ssl) == TLS1_2_VERSION);
  CHECK(std::string(SSL_get_cipher_name(device.ssl)) == "ECDHE-RSA-AES128-GCM-SHA256");
}

TEST_CASE("FAULTS 25: ALPN is strict where it is offered; none at all, and no SNI, is normal") {
  auto listener = listener_of(TlsVersions::current);
  CHECK_FALSE(Device().connect(listener).has_value());
  CHECK_FALSE(Device().alpn("smtp").connect(listener).has_value());
  for (const char* other : {"h2", "http/1.1", "imap"}) {
    const auto error = Device().alpn(other).connect(listener);
    REQUIRE(error.has_value());
    CHECK(error->kind == StreamFailure::tls_handshake);
  }
}

TEST_CASE("no session is resumed") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  auto listener = listener_of(TlsVersions::current);
  Device device(version, version);
  REQUIRE_FALSE(device.connect(listener).has_value());
  CHECK(SSL_SESSION_has_ticket(SSL_get0_session(device.ssl)) == 0);
  CHECK(SSL_SESSION_get_max_early_data(SSL_get0_session(device.ssl)) == 0);
  device.resume_next();
  REQUIRE_FALSE(device.connect(listener).has_value());
  CHECK(SSL_session_reused(device.ssl) == 0);
}

TEST_CASE("FAULTS 63: keys may be changed, but not for ever") {
  auto listener = listener_of(TlsVersions::current);
  Device device;
  REQUIRE_FALSE(device.connect(listener).has_value());
  int changes = 0;
  for (; changes < 1000; ++changes) {
    REQUIRE(SSL_key_update(device.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
    const auto received = device.exchange("x");
    if (received) continue;
    CHECK(received.error().detail == "TLS with client: it keeps asking for new keys or a new handshake");
    break;
  }
  CHECK(changes > 8);
  CHECK(changes <= most_turns);
}

TEST_CASE("FAULTS 63: a client of TLS 1.2 that asks for a second handshake gets a no, not a handshake") {
  auto listener = listener_of(TlsVersions::current);
  Device device(TLS1_2_VERSION, TLS1_2_VERSION);
  REQUIRE_FALSE(device.connect(listener).has_value());
  REQUIRE(SSL_renegotiate(device.ssl) == 1);
  std::string hello, answer, ignored;
  CHECK_FALSE(device.client->encrypt("x", hello).has_value());  // the handshake comes first
  REQUIRE(hello.size() > 100);
  const auto received = device.server->receive(hello, device.plain, answer);
  REQUIRE(received.has_value());
  CHECK_FALSE(received->secured);
  constexpr std::size_t longest_alert = 64;  // a flight with a certificate has a thousand
  CHECK(answer.size() < longest_alert);
  const auto refused = device.client->receive(answer, device.plain, ignored);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().detail.find("no renegotiation") != std::string::npos);
}

TEST_CASE("a renewed certificate is for the handshakes to come; one that does not fit changes nothing") {
  auto listener = listener_of(TlsVersions::current);
  Device before;
  REQUIRE_FALSE(before.connect(listener).has_value());
  const auto old_certificate = [](const Device& device) { return SSL_get0_peer_certificate(device.ssl); };
  Leaf leaf;
  leaf.common_name = "renewed.test";
  const std::string renewed = Authority().issue(leaf);
  CHECK_THROWS(listener.renew(config::Secret(renewed.substr(0, renewed.size() / 2))));
  CHECK_THROWS(listener.renew(config::Secret("")));
  Device same;
  REQUIRE_FALSE(same.connect(listener).has_value());
  CHECK(X509_cmp(old_certificate(before), old_certificate(same)) == 0);
  listener.renew(config::Secret(renewed));
  Device after;
  REQUIRE_FALSE(after.connect(listener).has_value());
  CHECK(X509_cmp(old_certificate(before), old_certificate(after)) != 0);
  const auto still = before.exchange("still here");
  REQUIRE(still.has_value());
  CHECK(still->plaintext == 10);
}

TEST_CASE("FAULTS 60: a chain cut off within a certificate is refused") {
  const Authority authority;
  const std::string pem = authority.issue({});
  const std::string chain = authority.certificate_pem();
  CHECK_NOTHROW(ListenerTlsContext(config::Secret(pem + chain), {.alpn = "imap"}));
  CHECK_THROWS(ListenerTlsContext(config::Secret(pem + chain.substr(0, chain.size() / 2)), {.alpn = "imap"}));
}

}  // namespace
}  // namespace saslift::proxy::net
