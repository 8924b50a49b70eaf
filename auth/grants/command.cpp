// The operator's own program prints the token.
#include "auth/grants/requests.h"

namespace saslift::auth {

TokenRequest command_request(const config::Identity& identity) {
  TokenRequest request;
  request.command = identity.command;
  return request;
}

}  // namespace saslift::auth
