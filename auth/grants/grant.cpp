#include "auth/grants/grant.h"

#include <stdexcept>

#include "auth/grants/requests.h"
#include "auth/grants/token_form.h"

namespace saslift::auth {
namespace {

TokenRequest request_for(const config::Identity& identity, const TokenQuery& query) {
  switch (identity.grant) {
    case config::Grant::client_credentials:
      return client_credentials_request(identity, query);
    case config::Grant::device_code:
    case config::Grant::browser:
    case config::Grant::refresh_token:
      return refresh_token_request(identity, query);
    case config::Grant::federated:
      return federated_request(identity);
    case config::Grant::managed_identity:
      return managed_identity_request(identity);
    case config::Grant::service_account:
      return service_account_request(identity, query);
    case config::Grant::password:
      return password_request(identity, query);
    case config::Grant::command:
      return command_request(identity);
  }
  throw std::logic_error("an identity without a grant");
}

}  // namespace

TokenRequest request_token(const config::Identity& identity, const config::Service& service, const TokenQuery& query) {
  TokenRequest request = request_for(identity, query);
  route(request, identity, service);
  return request;
}

}  // namespace saslift::auth
