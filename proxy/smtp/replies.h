// What we say as an SMTP server, each with its CRLF.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "auth/login.h"
#include "proxy/dialogue/client_side.h"

namespace saslift::proxy::smtp {

// Whether a client may log in with a password on this connection as it is now, and may start TLS on it.
struct Offer {
  PlaintextLogins logins = PlaintextLogins::accepted;
  StartTlsOffer starttls = StartTlsOffer::none;
  AuthEquals auth_equals = AuthEquals::none;
};

[[nodiscard]] std::string greeting(std::string_view hostname);
[[nodiscard]] std::string helo_reply(std::string_view hostname);
[[nodiscard]] std::string ehlo_reply(std::string_view hostname, std::span<const std::string> extensions, Offer offer);

struct Refusal {
  std::string reply;
  bool closes = false;  // RFC 5321 section 3.8: after 421 the server closes
};
[[nodiscard]] Refusal login_refusal(auth::LoginFailure failure, std::string_view sentence, std::string_view reference);
// The same said to MAIL, which is what a client sends that does not log in.
[[nodiscard]] Refusal mail_refusal(auth::LoginFailure failure, std::string_view sentence, std::string_view reference);
[[nodiscard]] std::string dismissal(Dismissal why);

}  // namespace saslift::proxy::smtp
