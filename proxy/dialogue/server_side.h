// The side of a session that talks to the provider: we speak as client, up to the provider's yes.
// Sans-IO like the client side. Nothing of the client's enters here: only the mailbox and the token.
//
//   receive()...; on StartTls: tls_started() once TLS stands; ends with LoggedIn (take_unread() holds what
//   the server sent behind its yes) or LoginRefused. With implicit TLS the first bytes are already clear.
//   ended() when the server closes before that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/secret.h"
#include "config/settings.h"
#include "proxy/dialogue/send.h"

namespace saslift::proxy {

struct LoggedIn {};

enum class RefusalKind : std::uint8_t {
  token,         // the server looked at mailbox and token and said no
  temporary,     // "try later": 4xx, [UNAVAILABLE], [SYS/TEMP], BYE, a limit
  no_starttls,   // TLS was demanded and the server does not offer it, or refuses it
  unclean_tls,   // bytes in clear behind the server's go-ahead for TLS
  no_mechanism,  // neither XOAUTH2 nor OAUTHBEARER is offered
  protocol,      // not the protocol, a line or reply over the cap, PREAUTH, closed in mid-login
};
[[nodiscard]] std::string_view name_of(RefusalKind kind);

struct LoginRefused {
  RefusalKind kind = RefusalKind::protocol;
  std::string words;    // the server's line, printable, at most 256 bytes
  int json_status = 0;  // of an error challenge; 0: none
};

using ServerAction = std::variant<Send, StartTls, LoggedIn, LoginRefused>;
using ServerActions = std::vector<ServerAction>;

struct ServerLogin {
  std::string mailbox;
  config::Secret access_token;
  config::Mechanism mechanism = config::Mechanism::xoauth2;
  config::UpstreamTls tls = config::UpstreamTls::implicit;
  std::string ehlo_word;  // SMTP; never the client's
  std::string host;       // OAUTHBEARER's host= and port=
  std::uint16_t port = 0;
};

inline constexpr std::size_t longest_server_line = 64 * 1024;
inline constexpr int most_reply_lines = 128;

class ServerSide {
 public:
  ServerSide() = default;
  ServerSide(const ServerSide&) = delete;
  ServerSide& operator=(const ServerSide&) = delete;
  virtual ~ServerSide() = default;

  [[nodiscard]] virtual ServerActions receive(std::string_view bytes) = 0;
  [[nodiscard]] virtual ServerActions tls_started() = 0;
  [[nodiscard]] virtual ServerActions ended() = 0;
  [[nodiscard]] virtual std::string take_unread() = 0;
};

}  // namespace saslift::proxy
