// Google Workspace: a signed assertion is the grant (RFC 7523 2.1), for one mailbox at a time; EXCHANGE 1.13.
#include <array>

#include "auth/grants/form.h"
#include "auth/grants/jwt.h"
#include "auth/grants/requests.h"

namespace saslift::auth {

TokenRequest service_account_request(const config::Identity& identity, const TokenQuery& query) {
  const std::array<FormField, 1> fields{{
      {.name = "grant_type", .value = "urn:ietf:params:oauth:grant-type:jwt-bearer"},
  }};
  TokenRequest request;
  request.url = identity.provider.token_endpoint;
  request.body = encode_form(fields);
  const config::SigningKey& key = identity.signing_key.value();
  const AssertionClaims claims{.issuer = identity.client_id,
                               .subject = query.subject,
                               .audience = request.url,
                               .scope = identity.provider.scope,
                               .life = std::chrono::minutes(50)};
  request.assertion = Assertion{.field = "assertion",
                                .source = AssertionToSign{.signing_input = jwt_signing_input(key, claims, query.now),
                                                          .algorithm = key.algorithm,
                                                          .key_pem = key.pem.copy(),
                                                          .key_store = key.key_store}};
  return request;
}

}  // namespace saslift::auth
