// What we say as a POP3 server, each with its CRLF.
#pragma once

#include <string>
#include <string_view>

#include "auth/login.h"
#include "proxy/dialogue/client_side.h"

namespace saslift::proxy::pop3 {

// Whether a client may log in with a password on this connection as it is now, and may start TLS on it.
struct Offer {
  PlaintextLogins logins = PlaintextLogins::accepted;
  StartTlsOffer starttls = StartTlsOffer::none;
};

[[nodiscard]] std::string greeting(std::string_view hostname);
[[nodiscard]] std::string capability_list(Offer offer);
[[nodiscard]] std::string mechanism_list(Offer offer);
[[nodiscard]] std::string login_refusal(auth::LoginFailure failure, std::string_view sentence,
                                        std::string_view reference);
[[nodiscard]] std::string dismissal(Dismissal why);

}  // namespace saslift::proxy::pop3
