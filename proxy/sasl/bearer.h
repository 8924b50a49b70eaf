// What we say to the provider: XOAUTH2 (EXCHANGE 2.1) and OAUTHBEARER (RFC 7628 section 3.1), and how its
// error challenge is read and answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/dialogue/server_side.h"

namespace saslift::proxy::sasl {

[[nodiscard]] std::string_view name_of(config::Mechanism mechanism);
// Base64, without line end. Callers mark the Send that carries it as secret. The mailbox holds no control
// characters: the keeper refuses such before it grants.
[[nodiscard]] std::string initial_response(const ServerLogin& login);
// The line that carries it behind `before`, in one piece: growing a string would leave copies of the token behind.
// The login's own token is wiped.
[[nodiscard]] Send token_line(ServerLogin& login, std::string_view before);
// The answer to an error challenge: an empty line for XOAUTH2, "AQ==" for OAUTHBEARER.
[[nodiscard]] std::string_view error_answer(config::Mechanism mechanism);
// The "status" member of an error challenge (base64 of JSON; a number or a string); 0: none.
[[nodiscard]] int status_of_challenge(std::string_view base64);

}  // namespace saslift::proxy::sasl
