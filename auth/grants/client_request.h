// A request of the app that an identity is: its fields, client_id and, of a confidential client, its credential.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "auth/grants/form.h"
#include "auth/grants/grant.h"

namespace saslift::auth {

struct ClientRequest {
  const std::string& url;
  std::vector<FormField> fields;
  std::chrono::system_clock::time_point now;  // for a signed credential
};
[[nodiscard]] TokenRequest client_request(const config::Identity& identity, const config::Service& service,
                                          const ClientRequest& wanted);

}  // namespace saslift::auth
