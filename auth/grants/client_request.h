// A request of the app that an identity is: its fields, client_id and, of a confidential client, its credential.
#pragma once

#include <string>
#include <vector>

#include "auth/grants/form.h"
#include "auth/grants/grant.h"

namespace saslift::auth {

[[nodiscard]] TokenRequest client_request(const config::Identity& identity, const config::Service& service,
                                          const std::string& url, std::vector<FormField> fields);

}  // namespace saslift::auth
