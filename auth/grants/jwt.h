// The JWTs that identities sign for themselves (RFC 7519, 7523): header and claims here, the signature in the fetch
// process. And what a JWT of the provider's says of its user.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace saslift::auth {

struct AssertionClaims {
  std::string_view issuer;
  std::string_view subject;
  std::string_view audience;
  std::string_view scope;          // empty: none
  std::chrono::seconds life{300};  // at most an hour
};

// base64url(header) "." base64url(claims); a fresh "jti" each nanosecond.
[[nodiscard]] std::string jwt_signing_input(const config::SigningKey& key, const AssertionClaims& claims,
                                            std::chrono::system_clock::time_point now);

// The user in the claims of a JWT, unverified: for comparison and the log, never for admission. Empty: no JWT, or
// one of no person.
[[nodiscard]] std::string user_in_jwt(std::string_view jwt);

}  // namespace saslift::auth
