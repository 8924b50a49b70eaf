// A POST to the token endpoint with the identity's proof of itself: client_secret, or client_assertion (RFC 6749
// 2.3.1, RFC 7523 2.2), or neither for a public client. What every grant of a client has in common.
#pragma once

#include <chrono>
#include <span>

#include "auth/grants/form.h"
#include "auth/grants/token_request.h"

namespace saslift::auth {

// To the identity's token endpoint: client_id, `fields`, proof.
[[nodiscard]] TokenRequest token_form(const config::Identity& identity, std::span<const FormField> fields,
                                      std::chrono::system_clock::time_point now);

// Trust and proxy, which depend on where it goes.
void route(TokenRequest& request, const config::Identity& identity, const config::Service& service);

}  // namespace saslift::auth
