// RFC 6749 section 4.3, which providers are taking away: a person's own password.
#include <array>

#include "auth/grants/requests.h"
#include "auth/grants/token_form.h"

namespace saslift::auth {

TokenRequest password_request(const config::Identity& identity, const TokenQuery& query) {
  const std::array<FormField, 4> fields{{
      {.name = "scope", .value = identity.provider.scope},
      {.name = "username", .value = identity.owner},
      {.name = "password", .value = identity.password.reveal()},
      {.name = "grant_type", .value = "password"},
  }};
  return token_form(identity, fields, query.now);
}

}  // namespace saslift::auth
