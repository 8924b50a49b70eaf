// Completes a request whose form takes an assertion: signs it, or reads it anew from its file.
#pragma once

#include <expected>
#include <string>

#include "auth/grants/token_request.h"

namespace saslift::proxy::fetch {

struct NoAssertion {
  std::string why;
};

// The JWT with its signature: PS256 (RFC 7518 3.5, a salt of 32 bytes) or RS256 (3.3).
[[nodiscard]] std::expected<config::Secret, NoAssertion> signed_jwt(const auth::AssertionToSign& assertion);

// The request's body, to its end.
[[nodiscard]] std::expected<config::Secret, NoAssertion> whole_body(const auth::TokenRequest& request);

}  // namespace saslift::proxy::fetch
