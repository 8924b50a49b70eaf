#include "auth/grants/client_credentials.h"

#include <array>

#include "auth/grants/form.h"

namespace saslift::auth {

config::Secret client_credentials_body(const config::Identity& identity) {
  const std::array<FormField, 4> fields{{
      {.name = "client_id", .value = identity.client_id},
      {.name = "scope", .value = identity.provider.scope},
      {.name = "client_secret", .value = identity.client_secret.reveal()},
      {.name = "grant_type", .value = "client_credentials"},
  }};
  return encode_form(fields);
}

}  // namespace saslift::auth
