// RFC 6749 section 4.4: the app itself asks, with its secret or a signed assertion; EXCHANGE 1.2, 1.3.
#include <array>

#include "auth/grants/requests.h"
#include "auth/grants/token_form.h"

namespace saslift::auth {

TokenRequest client_credentials_request(const config::Identity& identity, const TokenQuery& query) {
  const std::array<FormField, 2> fields{{
      {.name = "scope", .value = identity.provider.scope},
      {.name = "grant_type", .value = "client_credentials"},
  }};
  return token_form(identity, fields, query.now);
}

}  // namespace saslift::auth
