// The side of a session that talks to the mail program: we speak as server, up to the login's answer.
// Sans-IO: bytes in, actions out; no socket, no clock, no log. One implementation a protocol.
//
//   greet(); receive()...; on StartTls: tls_started() once TLS stands; on AttemptLogin or
//   LoginInClear: nothing is interpreted (receive() only keeps bytes) until login_accepted() or login_refused(); after
//   login_accepted() the dialogue is over and take_unread() holds what the client pipelined behind it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/login.h"
#include "config/secret.h"
#include "proxy/dialogue/send.h"

namespace saslift::proxy {

struct AttemptLogin {
  auth::ClientMechanism mechanism = auth::ClientMechanism::login_command;
  std::string login;
  std::string authzid;  // SASL PLAIN's authorization identity; empty: none
  config::Secret password;
};

// A login where no password may travel. The session tells the log and answers with login_refused(needs_tls), so that
// the device is told a reference.
struct LoginInClear {
  std::string login;  // empty: not said yet
};

enum class CloseReason : std::uint8_t {
  logged_out,  // QUIT or LOGOUT
  too_many_bad_commands,
  too_many_failed_logins,
  line_too_long,
  foreign_protocol,  // TLS, HTTP or SSH on a mail port
  bytes_behind_starttls,
  dismissed,  // by Dismissal
};
[[nodiscard]] std::string_view name_of(CloseReason reason);

// Orders for the session. Close comes last: what was sent before it is flushed first.
struct Close {
  CloseReason reason = CloseReason::logged_out;
};

using ClientAction = std::variant<Send, StartTls, AttemptLogin, LoginInClear, Close>;
using ClientActions = std::vector<ClientAction>;

// Why the session ends a client that did nothing wrong, told in the protocol's words.
enum class Dismissal : std::uint8_t { idle_before_login, session_cap, shutting_down };

enum class PlaintextLogins : std::uint8_t { accepted, refused };
enum class StartTlsOffer : std::uint8_t { none, offered };
// Whether EHLO lists AUTH=PLAIN LOGIN as well, for clients older than RFC 2554.
enum class AuthEquals : std::uint8_t { none, listed };
// Whether the client's address stands for an account: SMTP then takes mail without a login.
enum class TrustedClient : std::uint8_t { no, yes };

// What the listener decides for its clients.
struct ClientSideSettings {
  std::string hostname;
  StartTlsOffer starttls = StartTlsOffer::none;
  PlaintextLogins plaintext_logins = PlaintextLogins::accepted;  // while TLS is not active
  auth::ClientTls tls = auth::ClientTls::none;                   // active from the start with implicit TLS
  std::vector<std::string> smtp_extensions;                      // EHLO lines besides AUTH and STARTTLS
  AuthEquals auth_equals = AuthEquals::none;
  TrustedClient trust = TrustedClient::no;
};

// The limits of every client side, FAULTS 2a.
inline constexpr std::size_t longest_line = 64 * 1024;
inline constexpr std::size_t longest_literal = 8 * 1024;
inline constexpr std::size_t longest_sasl_response = 12 * 1024;
inline constexpr int bad_commands_allowed = 3;   // the third one closes
inline constexpr int failed_logins_allowed = 3;  // likewise

class ClientSide {
 public:
  ClientSide() = default;
  ClientSide(const ClientSide&) = delete;
  ClientSide& operator=(const ClientSide&) = delete;
  virtual ~ClientSide() = default;

  [[nodiscard]] virtual ClientActions greet() = 0;
  [[nodiscard]] virtual ClientActions receive(std::string_view bytes) = 0;
  [[nodiscard]] virtual ClientActions tls_started() = 0;
  [[nodiscard]] virtual ClientActions login_accepted() = 0;
  // `sentence` is the keeper's, or empty; the reply carries it with "reference REFERENCE" behind it.
  [[nodiscard]] virtual ClientActions login_refused(auth::LoginFailure failure, std::string_view sentence,
                                                    std::string_view reference) = 0;
  [[nodiscard]] virtual ClientActions dismiss(Dismissal why) = 0;
  // Bytes received and not interpreted.
  [[nodiscard]] virtual std::size_t unread_size() const = 0;
  [[nodiscard]] virtual config::Secret take_unread() = 0;
  // The last line ended in CR and nothing has come since: a LF that comes next belongs to it, even behind the login.
  [[nodiscard]] virtual bool lf_may_follow() const = 0;
};

}  // namespace saslift::proxy
