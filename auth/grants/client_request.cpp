#include "auth/grants/client_request.h"

#include "auth/grants/token_form.h"

namespace saslift::auth {

TokenRequest client_request(const config::Identity& identity, const config::Service& service,
                            const ClientRequest& wanted) {
  TokenRequest request = token_form(identity, wanted.fields, wanted.now);
  request.url = wanted.url;
  route(request, identity, service);
  return request;
}

}  // namespace saslift::auth
