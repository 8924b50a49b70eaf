// What the operator wrote, checked and resolved: presets merged into identities, file names made
// absolute, secrets read. Plain data; move-only because it owns secrets. `load` is its only maker.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/http_proxy.h"
#include "config/network.h"
#include "config/secret.h"

namespace saslift::config {

enum class Protocol : std::uint8_t { imap, pop3, smtp };
inline constexpr int protocol_count = 3;
[[nodiscard]] std::string_view name_of(Protocol protocol);

enum class UpstreamTls : std::uint8_t { implicit, starttls };
// The SASL mechanism spoken to the provider (XOAUTH2; RFC 7628).
enum class Mechanism : std::uint8_t { xoauth2, oauthbearer };
enum class ListenerTls : std::uint8_t { off, starttls, implicit, automatic };  // "auto" in the file
[[nodiscard]] std::string_view name_of(ListenerTls tls);
enum class PlaintextLogin : std::uint8_t { loopback, allowed, never };

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  UpstreamTls tls = UpstreamTls::implicit;
};

struct SmtpExtensions {
  // As sent behind "250-": {"PIPELINING", "SIZE 157286400", "8BITMIME"}; no AUTH, no STARTTLS.
  std::vector<std::string> lines;
};

struct Provider {
  std::string name;
  std::optional<Endpoint> imap, pop3, smtp;
  std::string token_endpoint;                 // "{tenant}" already filled in, here and below
  std::string authorization_endpoint;         // RFC 6749 3.1; empty: none
  std::string device_authorization_endpoint;  // RFC 8628 3.1; empty: none
  std::string scope;
  Mechanism mechanism = Mechanism::xoauth2;
  std::string ca_file;  // absolute; empty: the system's trust
  SmtpExtensions smtp_extensions;

  [[nodiscard]] const std::optional<Endpoint>& endpoint(Protocol protocol) const;
};

// How an identity gets its tokens; each has a file under auth/grants/.
enum class Grant : std::uint8_t {
  client_credentials,
  device_code,
  browser,
  refresh_token,
  federated,
  managed_identity,
  service_account,
  password,
  command,
};
[[nodiscard]] std::string_view name_of(Grant grant);
// A person has signed in, or has been taken over from elsewhere: device_code, browser, refresh_token.
[[nodiscard]] bool lives_on_refresh_token(Grant grant);
// A token for each mailbox, because it is the mailbox that the identity acts for: service_account.
[[nodiscard]] bool acts_for_one_mailbox(Grant grant);

enum class AssertionAlgorithm : std::uint8_t { ps256, rs256 };

// RFC 7523: the key with which an identity signs for itself, in place of a client secret.
struct SigningKey {
  Secret pem;                   // PKCS#8, guarded; empty: the key stays where key_store says
  std::string key_store;        // an OSSL_STORE URI, such as "pkcs11:..."
  std::string certificate_der;  // empty: none (service_account)
  AssertionAlgorithm algorithm = AssertionAlgorithm::ps256;
};

// EXCHANGE 1.10: where the platform itself hands out tokens.
struct ManagedIdentity {
  enum class Form : std::uint8_t { imds, app_service };
  Form form = Form::imds;
  std::string url;  // http: on this very host
  Secret header;    // App Service: $IDENTITY_HEADER, guarded
  // Which one, where the platform has several; all empty: its own. At most one is set.
  std::string client_id, object_id, resource_id;
};

// The operator's own program, which prints a token.
struct TokenCommand {
  std::vector<std::string> words;        // never through a shell
  std::vector<std::string> environment;  // "NAME=value"
  std::chrono::milliseconds time{8'000};
};

struct Identity {
  std::string name;
  Provider provider;  // the preset or table, with this identity's overrides
  std::string tenant;
  std::string client_id;
  Grant grant = Grant::client_credentials;
  Secret client_secret;  // guarded, as all below
  std::optional<std::chrono::year_month_day> client_secret_expires;
  std::optional<SigningKey> signing_key;
  std::string owner;           // the person who signs in, of a delegated grant
  std::string redirect_uri;    // of grant browser; empty: http://localhost at any port
  Secret refresh_token;        // of grant refresh_token: the one to begin with
  Secret password;             // of grant password: the owner's
  std::string assertion_file;  // of grant federated: absolute
  ManagedIdentity managed_identity;
  TokenCommand command;
};
// Its tokens stand for a person (`owner`), not for the app.
[[nodiscard]] bool is_delegated(const Identity& identity);

// Whose address a message sent by SMTP shows: the client's word, or the mailbox's in the envelope, or there
// and in the From field.
enum class RewriteFrom : std::uint8_t { no, envelope, both };
// Whether a token fetched for the one serves the other; else it is another app, person or place.
[[nodiscard]] bool gets_same_tokens(const Identity& one, const Identity& other);

struct Account {
  std::string name;
  std::vector<std::string> logins;  // exact, or "*@domain"; as written
  std::string password_hash;        // PHC string, argon2id
  std::string identity;
  std::string mailbox;              // empty for a wildcard: the login itself
  std::string upn;                  // the mailbox's other name upstream; empty: none
  std::vector<std::string> shared;  // mailboxes that "LOGIN/MAILBOX" may open besides
  RewriteFrom rewrite_from = RewriteFrom::no;
  std::vector<Network> allow;       // empty: whoever the listener lets in
  std::vector<Protocol> protocols;  // never empty; by default all that the provider has
  std::vector<IpAddress> trusted;   // may send without a login from there
  // The user named to the provider's server, where it is not the usual one (auth/upstream_user.h).
  std::map<Protocol, std::string> users;
};

// Where a listener's certificate is read from, again whenever that changes.
struct CertificateSource {
  std::string chain;      // as written, "file:tls.pem"; empty: none, a self-signed one is made
  std::string key;        // likewise; empty: `chain` holds both
  std::string directory;  // anchors relative file names
};

struct Listener {
  std::string name;  // "smtp 127.0.0.1:1587", for logs and status
  Protocol protocol = Protocol::imap;
  SocketAddress address;
  bool optional = false;  // a default ::1 listener: skipped where the host has no IPv6
  ListenerTls tls = ListenerTls::off;
  std::chrono::milliseconds tls_detect{500};  // how long "auto" waits for a client that starts TLS at once
  bool legacy_tls = false;                    // TLS 1.0 and old ciphers are taken too
  CertificateSource certificate;
  Secret certificate_pem;  // chain and key, guarded; empty where TLS is off or nothing is written
  PlaintextLogin plaintext_login = PlaintextLogin::loopback;
  bool auth_equals = false;         // EHLO lists "AUTH=PLAIN LOGIN" as well
  std::vector<Network> allow;       // empty, on loopback alone: everybody there
  std::vector<Network> proxy_from;  // load balancers, which must tell the client by PROXY protocol
};

struct Service {
  std::string state_dir;
  std::string user;                      // to become once the ports are open; empty: stay who we are
  Secret state_key;                      // guarded; empty: one is made, and kept beside the state
  unsigned workers = 0;                  // 0: chosen at start
  std::optional<SocketAddress> metrics;  // answers GET /metrics, /healthz and /readyz; nullopt: off
  std::chrono::milliseconds drain{25'000};
  std::chrono::milliseconds login_timeout{25'000};
  unsigned smtp_connections = 3;  // at once to one mailbox; Exchange Online takes three
  unsigned connections = 16;      // likewise of IMAP and POP3
  std::string hostname;           // our EHLO word and the name in greetings
  std::string ca_file;            // absolute; trusted in addition, everywhere
  OutboundProxy outbound_proxy;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

struct Settings {
  std::string path;  // the file they came from
  Service service;
  Log log;
  std::map<std::string, Identity> identities;
  std::map<std::string, Account> accounts;
  std::vector<Listener> listeners;
};

}  // namespace saslift::config
