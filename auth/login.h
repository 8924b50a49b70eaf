// The one question a worker asks for a login, the one answer it gets, and the reports that follow.
// The worker holds what is in here and nothing more. Their bytes on the pipe: auth/frames.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/clock.h"
#include "config/secret.h"
#include "config/settings.h"

namespace saslift::auth {

// Unique within one worker while the session lives; eight hex digits of it are the reference that a
// refused client is told and that the log carries.
using SessionId = std::uint32_t;
[[nodiscard]] std::string reference_of(SessionId session);

// Everything a login can die of. Each protocol has one switch from these to its own words.
enum class LoginFailure : std::uint8_t {
  bad_credentials,
  not_permitted,
  authzid_refused,
  needs_tls,
  sign_in_needed,
  identity_refused,
  token_unavailable,
  server_unreachable,
  server_protocol_error,
  timeout,
  limit_reached,
  overloaded,
  shutting_down,
  keeper_away,
};
inline constexpr int login_failure_count = 14;
[[nodiscard]] std::string_view name_of(LoginFailure failure);

// How the client handed over its password, or that it needs none: its address is trusted.
enum class ClientMechanism : std::uint8_t { login_command, user_pass, sasl_plain, sasl_login, trusted_address };
[[nodiscard]] std::string_view name_of(ClientMechanism mechanism);

// A login that is no account's, as the log shows it: its first word. IMAP's LOGIN takes the further words for the name
// too, and they may be those of a password that nobody quoted.
[[nodiscard]] std::string loggable(std::string_view unknown_login);

enum class ClientTls : std::uint8_t { none, active };

struct LoginQuestion {
  SessionId session = 0;
  std::uint32_t listener = 0;  // index into the worker's listeners
  config::Protocol protocol = config::Protocol::imap;
  ClientMechanism mechanism = ClientMechanism::login_command;
  std::string client_address;  // numeric, without port
  ClientTls tls = ClientTls::none;
  std::string login;
  std::string authzid;  // empty: none was sent
  config::Secret password;
};

struct Granted {
  SessionId session = 0;
  std::string account;
  std::string identity;
  std::string mailbox;  // the XOAUTH2 user
  config::Mechanism mechanism = config::Mechanism::xoauth2;
  std::uint64_t token_id = 0;
  config::Secret access_token;
  std::string host;
  std::uint16_t port = 0;
  config::UpstreamTls tls = config::UpstreamTls::implicit;
  std::vector<std::string> addresses;  // numeric, in the order to try; never empty
  std::uint32_t trust = 0;             // index into the worker's trust stores
  config::RewriteFrom rewrite_from = config::RewriteFrom::no;
  std::string sender;  // the mailbox's address, for rewrite_from
};

struct Denied {
  SessionId session = 0;
  LoginFailure failure = LoginFailure::bad_credentials;
  std::string sentence;  // for the client: cause and next step in plain words; no reference, no secret
  Duration delay{0};     // the client is told no sooner than this after it asked
};

using LoginAnswer = std::variant<Granted, Denied>;

// The provider's answer to a token, as far as deciding on it needs.
struct TokenRefused {
  SessionId session = 0;
  std::uint64_t token_id = 0;
  std::string server_words;  // at most 256 bytes, printable
  int json_status = 0;       // of the XOAUTH2 error challenge; 0: there was none
};

// The client left while its question was open.
struct Withdrawn {
  SessionId session = 0;
};

struct PhaseTimes {  // milliseconds
  std::uint32_t keeper = 0;
  std::uint32_t connect = 0;  // TCP and TLS
  std::uint32_t login = 0;    // greeting to the provider's yes
};

struct LoginSucceeded {
  SessionId session = 0;
  std::uint64_t token_id = 0;
  PhaseTimes times;
};

// A login that the keeper granted and that died in the worker.
struct LoginDied {
  SessionId session = 0;
  LoginFailure failure = LoginFailure::server_unreachable;
  std::string detail;  // for the log: host, reason
  PhaseTimes times;
};

struct SessionEnded {
  SessionId session = 0;
  config::Protocol protocol = config::Protocol::imap;
  std::string client_address;
  std::string reason;
  std::uint64_t bytes_up = 0;    // client to provider, after login
  std::uint64_t bytes_down = 0;  // provider to client, after login
  std::uint32_t milliseconds = 0;
};

// After login, by all sessions of a protocol, since the last of these.
struct Relayed {
  config::Protocol protocol = config::Protocol::imap;
  std::uint64_t bytes_up = 0;    // client to provider
  std::uint64_t bytes_down = 0;  // provider to client
};

// Anything else worth a line in the log.
struct WorkerEvent {
  config::LogLevel level = config::LogLevel::info;
  std::string event;
  SessionId session = 0;
  std::vector<std::pair<std::string, std::string>> fields;
};

// Words of the server's after login whose cause remedies.h knows.
struct ServerSaid {
  SessionId session = 0;
  config::Protocol protocol = config::Protocol::imap;
  std::string words;
};

struct Ready {};

// Why a connection got no session, or lost it before its first command.
enum class TurnAway : std::uint8_t {
  not_allowed,               // the listener's allow
  session_cap,               // of the worker
  unauthenticated_cap,       // a quarter of that, for those not logged in
  unauthenticated_per_host,  // one address's share of those
  no_proxy_header,           // a listed load balancer did not say for whom it speaks
};
inline constexpr int turn_away_count = 5;
[[nodiscard]] std::string_view name_of(TurnAway why);

struct ClientsTurnedAway {
  TurnAway why = TurnAway::not_allowed;
  std::string listener;        // its name
  std::string client_address;  // where it is worth a line in the log
  std::uint32_t count = 0;
};

// A client whose TLS is older than its listener takes.
struct OldTlsClient {
  SessionId session = 0;
  std::string listener;  // its name
  std::string client_address;
  std::string offers;  // "TLS 1.0", "old ciphers only"
};

using FromWorker = std::variant<LoginQuestion, TokenRefused, Withdrawn, LoginSucceeded, LoginDied, SessionEnded,
                                WorkerEvent, ServerSaid, Ready, ClientsTurnedAway, OldTlsClient, Relayed>;

struct WorkerListener {
  int descriptor = -1;  // inherited
  config::Protocol protocol = config::Protocol::imap;
  std::string name;
  config::ListenerTls tls = config::ListenerTls::off;
  config::PlaintextLogin plaintext_login = config::PlaintextLogin::loopback;
  Duration tls_detect{500};
  bool legacy_tls = false;
  std::vector<std::string> smtp_extensions;
  bool auth_equals = false;
  std::vector<std::string> allow;       // networks; empty: everybody
  std::vector<std::string> proxy_from;  // networks of load balancers
  std::vector<std::string> trusted;     // addresses that may send without a login
};

// The first frame to a worker.
struct Configure {
  std::vector<WorkerListener> listeners;
  std::string hostname;
  Duration login_timeout{25'000};
  std::uint32_t session_cap = 0;
  std::vector<std::string> trust_files;      // one a trust store; "": the system's alone
  std::string ca_file;                       // trusted in addition in every store
  std::vector<config::Secret> certificates;  // PEM chain and key, by listener; empty where TLS is off
};

// Stop accepting; end sessions as they fall idle, all of them by the deadline.
struct Drain {
  Duration deadline{25'000};
};

// Stop accepting, others have taken over; end with the last session.
struct Retire {};

// End this session now, whatever it does; with a word to its client where that is possible.
struct EndSession {
  SessionId session = 0;
  std::string reason;  // for the log
};

// For the handshakes to come; sessions go on with what they began with.
struct NewCertificate {
  std::uint32_t listener = 0;
  config::Secret pem;
};

using ToWorker = std::variant<Configure, Granted, Denied, Drain, Retire, EndSession, NewCertificate>;

}  // namespace saslift::auth
