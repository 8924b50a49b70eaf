#include "auth/grants/grant.h"

#include <stdexcept>

#include "auth/grants/client_credentials.h"

namespace saslift::auth {
namespace {

config::Secret body_for(const config::Identity& identity) {
  switch (identity.grant) {
    case config::Grant::client_credentials:
      return client_credentials_body(identity);
    default:
      break;
  }
  throw std::logic_error("an identity without a grant");
}

}  // namespace

TokenRequest request_token(const config::Identity& identity, const config::Service& service, const TokenQuery&) {
  return {.url = identity.provider.token_endpoint,
          .body = body_for(identity),
          .ca_file = identity.provider.ca_file,
          .service_ca_file = service.ca_file};
}

}  // namespace saslift::auth
