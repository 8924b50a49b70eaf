// TlsEngine against itself, in memory: no port, no clock.
#include "proxy/net/tls_engine.h"

#include <openssl/ssl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "catch.h"
#include "certificates.h"
#include "proxy/net/tls_context.h"

namespace saslift::proxy::net {
namespace {

using testing::Authority;
using testing::Leaf;

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    std::string pattern = (std::filesystem::temp_directory_path() / "saslift-test-XXXXXX").string();
    const int descriptor = mkstemp(pattern.data());
    REQUIRE(descriptor >= 0);
    path_ = pattern;
    std::ofstream(path_) << content;
    ::close(descriptor);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const Authority& authority() {
  static const Authority one;
  return one;
}

UpstreamTlsContext& trusting() {
  static const TemporaryFile file(authority().certificate_pem());
  static UpstreamTlsContext context(file.path(), "");
  return context;
}

struct Pair {
  explicit Pair(const std::string& pem, const std::string& host = "mail.test", UpstreamTlsContext& trust = trusting())
      : listener(config::Secret(pem), {.alpn = "imap"}),
        client(trust.connect({host, 993})),
        server(listener.accept()) {}

  // One flight each way until both stand or one gives up.
  std::optional<StreamError> shake_hands() {
    std::string to_server, to_client;
    if (const auto started = client->start(to_server); !started) return started.error();
    for (int flight = 0; flight < 8 && !(client->secured() && server->secured() && to_client.empty()); ++flight) {
      if (const auto done = server->receive(to_server, plain, to_client); !done) return done.error();
      to_server.clear();
      if (const auto done = client->receive(to_client, plain, to_server); !done) return done.error();
      to_client.clear();
    }
    return std::nullopt;
  }

  ListenerTlsContext listener;
  std::unique_ptr<TlsEngine> client;
  std::unique_ptr<TlsEngine> server;
  std::vector<char> plain = std::vector<char>(64 * 1024);
};

TEST_CASE("client and server shake hands and exchange bytes, cut anywhere") {
  Pair pair(authority().issue({}));
  REQUIRE_FALSE(pair.shake_hands().has_value());
  CHECK(pair.client->half_close() == HalfClose::possible);

  const std::string message(40'000, 'm');
  std::string records, answer;
  REQUIRE(pair.client->encrypt(message, records).has_value());
  std::string received;
  for (std::size_t at = 0; at < records.size(); at += 777) {
    const auto piece = std::string_view(records).substr(at, 777);
    const auto progress = pair.server->receive(piece, pair.plain, answer);
    REQUIRE(progress.has_value());
    CHECK(progress->consumed == piece.size());
    received.append(pair.plain.data(), progress->plaintext);
  }
  CHECK(received == message);
}

TEST_CASE("a plaintext buffer that is too small loses nothing") {
  Pair pair(authority().issue({}));
  REQUIRE_FALSE(pair.shake_hands().has_value());
  const std::string message(100'000, 'm');
  std::string records, answer, received;
  REQUIRE(pair.client->encrypt(message, records).has_value());
  std::vector<char> small(10'000);
  std::span<const char> rest(records);
  for (bool more = true; more;) {
    const auto progress = pair.server->receive(rest, small, answer);
    REQUIRE(progress.has_value());
    rest = rest.subspan(progress->consumed);
    received.append(small.data(), progress->plaintext);
    more = progress->more;
  }
  CHECK(received == message);
}

TEST_CASE("close_notify ends one direction") {
  Pair pair(authority().issue({}));
  REQUIRE_FALSE(pair.shake_hands().has_value());
  std::string records, answer;
  pair.client->finish(records);
  const auto end = pair.server->receive(records, pair.plain, answer);
  REQUIRE(end.has_value());
  CHECK(end->peer_finished);
  answer.clear();
  REQUIRE(pair.server->encrypt("still here", answer).has_value());
  const auto heard = pair.client->receive(answer, pair.plain, records);
  REQUIRE(heard.has_value());
  CHECK(std::string_view(pair.plain.data(), heard->plaintext) == "still here");
}

TEST_CASE("FAULTS 73: a corrupted record is an error and delivers nothing") {
  Pair pair(authority().issue({}));
  REQUIRE_FALSE(pair.shake_hands().has_value());
  std::string records, answer;
  REQUIRE(pair.server->encrypt("hello", records).has_value());
  records.back() = static_cast<char>(records.back() ^ 1);
  const auto result = pair.client->receive(records, pair.plain, answer);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == StreamFailure::tls_record);
}

TEST_CASE("what came whole before a corrupted record is delivered first") {
  Pair pair(authority().issue({}));
  REQUIRE_FALSE(pair.shake_hands().has_value());
  std::string good, bad, answer;
  REQUIRE(pair.server->encrypt("* BYE\r\n", good).has_value());
  REQUIRE(pair.server->encrypt("hello", bad).has_value());
  bad.back() = static_cast<char>(bad.back() ^ 1);
  const auto first = pair.client->receive(good + bad, pair.plain, answer);
  REQUIRE(first.has_value());
  CHECK(std::string_view(pair.plain.data(), first->plaintext) == "* BYE\r\n");
  CHECK(first->more);
  const auto then = pair.client->receive({}, pair.plain, answer);
  REQUIRE_FALSE(then.has_value());
  CHECK(then.error().kind == StreamFailure::tls_record);
}

// A provider: unlike our own listeners it gives tickets.
class TicketServer {
 public:
  TicketServer(const std::string& pem, int version) : context_(SSL_CTX_new(TLS_server_method())) {
    const TemporaryFile file(pem);
    SSL_CTX_use_certificate_chain_file(context_.get(), file.path().c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), file.path().c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_max_proto_version(context_.get(), version);
  }
  // Whether the connection was resumed.
  bool accept(TlsEngine& client) {
    SSL* ssl = SSL_new(context_.get());
    SSL_set_accept_state(ssl);
    TlsEngine server(TlsEngine::Handle(ssl), "client");
    std::string to_server, to_client;
    REQUIRE(client.start(to_server).has_value());
    for (int flight = 0; flight < 4; ++flight) {
      REQUIRE(server.receive(std::exchange(to_server, {}), plain_, to_client).has_value());
      REQUIRE(client.receive(std::exchange(to_client, {}), plain_, to_server).has_value());
    }
    REQUIRE(client.secured());
    return SSL_session_reused(ssl) == 1;
  }

 private:
  ContextHandle context_;
  std::vector<char> plain_ = std::vector<char>(16 * 1024);
};

TEST_CASE("a connection resumes the session of the one before, with TLS 1.2 and 1.3") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TicketServer provider(authority().issue({}), version);
  const TemporaryFile file(authority().certificate_pem());
  UpstreamTlsContext trust(file.path(), "");
  const UpstreamTlsContext::Server name{"mail.test", 993};
  CHECK_FALSE(provider.accept(*trust.connect(name)));
  for (int again = 0; again < 3; ++again) CHECK(provider.accept(*trust.connect(name)));
  // Another server's ticket is never offered.
  CHECK_FALSE(provider.accept(*trust.connect({"mail.test", 995})));
}

TEST_CASE("FAULTS 58: certificates that must be refused are, each with its reason") {
  struct Row {
    const char* name;
    Leaf leaf;
    const char* host;
    const char* reason;
  };
  Leaf wrong_host;
  wrong_host.alternative_names = {"DNS:other.test"};
  Leaf expired;
  expired.starts_in_seconds = -7200;
  expired.ends_in_seconds = -3600;
  Leaf not_yet;
  not_yet.starts_in_seconds = 3600;
  not_yet.ends_in_seconds = 7200;
  Leaf self_signed;
  self_signed.signer = Leaf::Signer::itself;
  Leaf name_in_cn_only;
  name_in_cn_only.alternative_names = {};
  Leaf address_only;
  address_only.alternative_names = {"IP:127.0.0.1"};
  Leaf whole_top_level;
  whole_top_level.alternative_names = {"DNS:*.test"};
  Leaf partial_wildcard;
  partial_wildcard.alternative_names = {"DNS:ma*.test"};
  Leaf nul_in_name;
  nul_in_name.alternative_names = {};
  nul_in_name.raw_dns_name = std::string("mail.test\0.evil.test", 20);
  Leaf weak_key;
  weak_key.rsa_bits = 1024;
  const Row rows[] = {
      {"wrong host", wrong_host, "mail.test", "hostname mismatch"},
      {"expired", expired, "mail.test", "certificate has expired"},
      {"not yet valid", not_yet, "mail.test", "certificate is not yet valid"},
      {"self-signed", self_signed, "mail.test", "self-signed certificate"},
      {"name only in CN", name_in_cn_only, "mail.test", "hostname mismatch"},
      {"address only", address_only, "mail.test", "hostname mismatch"},
      {"*.test", whole_top_level, "mail.test", "hostname mismatch"},
      {"ma*.test", partial_wildcard, "mail.test", "hostname mismatch"},
      {"NUL in the name", nul_in_name, "mail.test", "hostname mismatch"},
      {"wrong address", wrong_host, "127.0.0.1", "IP address mismatch"},
      {"1024-bit key", weak_key, "mail.test", "EE certificate key too weak"},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    std::optional<StreamError> error;
    try {
      Pair pair(authority().issue(row.leaf), row.host);
      error = pair.shake_hands();
    } catch (const std::runtime_error& refused) {
      // Our own listener refuses to serve a key this weak; a provider might not.
      CHECK(std::string(row.name) == "1024-bit key");
      CHECK(std::string(refused.what()).find("too small") != std::string::npos);
      continue;
    }
    REQUIRE(error.has_value());
    CHECK(error->kind == StreamFailure::tls_certificate);
    CHECK(error->detail.find(row.reason) != std::string::npos);
    CHECK(error->detail.find(row.host) != std::string::npos);
  }
  SECTION("unknown authority") {
    const Authority stranger("Somebody else");
    Pair pair(stranger.issue({}));
    const auto error = pair.shake_hands();
    REQUIRE(error.has_value());
    CHECK(error->detail.find("unable to get local issuer certificate") != std::string::npos);
  }
  SECTION("an address named by an IP alternative name is fine") {
    Pair pair(authority().issue(address_only), "127.0.0.1");
    CHECK_FALSE(pair.shake_hands().has_value());
  }
}

TEST_CASE("FAULTS 59: a CA file that is empty or missing is named") {
  const TemporaryFile empty("");
  CHECK_THROWS_WITH(UpstreamTlsContext(empty.path(), ""), Catch::Contains(empty.path()));
  CHECK_THROWS_WITH(UpstreamTlsContext("no-such-file.pem", ""), Catch::Contains("no-such-file.pem"));
}

TEST_CASE("key and certificate that do not fit together are refused") {
  const auto one = authority().issue({});
  const auto other = authority().issue({});
  const auto mixed =
      one.substr(0, one.find("-----BEGIN PRIVATE KEY")) + other.substr(other.find("-----BEGIN PRIVATE KEY"));
  CHECK_THROWS_WITH(ListenerTlsContext(config::Secret(mixed), {.alpn = "imap"}), Catch::Contains("fit"));
}

TEST_CASE("FAULTS 25: plaintext where a ClientHello should be is a handshake error") {
  Pair pair(authority().issue({}));
  std::string answer;
  const auto result = pair.server->receive(std::string_view("GET / HTTP/1.1\r\n\r\n"), pair.plain, answer);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == StreamFailure::tls_handshake);
}

}  // namespace
}  // namespace saslift::proxy::net
