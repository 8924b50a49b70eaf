// RFC 6749 section 6; EXCHANGE 1.7.
#include <array>

#include "auth/grants/requests.h"
#include "auth/grants/token_form.h"

namespace saslift::auth {

TokenRequest refresh_token_request(const config::Identity& identity, const TokenQuery& query) {
  // Until a reply has brought another, the one that was given with the configuration.
  const config::Secret& token = query.refresh_token != nullptr ? *query.refresh_token : identity.refresh_token;
  const std::array<FormField, 3> fields{{
      {.name = "scope", .value = identity.provider.scope},
      {.name = "refresh_token", .value = token.reveal()},
      {.name = "grant_type", .value = "refresh_token"},
  }};
  return token_form(identity, fields, query.now);
}

}  // namespace saslift::auth
