// Workload identity: the platform's token is the app's assertion (RFC 7523 2.2); EXCHANGE 1.4.
#include <array>

#include "auth/grants/form.h"
#include "auth/grants/requests.h"

namespace saslift::auth {

TokenRequest federated_request(const config::Identity& identity) {
  const std::array<FormField, 4> fields{{
      {.name = "client_id", .value = identity.client_id},
      {.name = "scope", .value = identity.provider.scope},
      {.name = "grant_type", .value = "client_credentials"},
      {.name = "client_assertion_type", .value = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
  }};
  TokenRequest request;
  request.url = identity.provider.token_endpoint;
  request.body = encode_form(fields);
  // Read anew each time: it lives an hour.
  request.assertion =
      Assertion{.field = "client_assertion", .source = AssertionInFile{.path = identity.assertion_file}};
  return request;
}

}  // namespace saslift::auth
