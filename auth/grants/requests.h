// One grant, one file of its name: what it asks for. Trust and proxy are added by request_token().
#pragma once

#include "auth/grants/grant.h"

namespace saslift::auth {

[[nodiscard]] TokenRequest client_credentials_request(const config::Identity& identity, const TokenQuery& query);
// Of every grant that lives on a refresh token, whatever brought the first one.
[[nodiscard]] TokenRequest refresh_token_request(const config::Identity& identity, const TokenQuery& query);
[[nodiscard]] TokenRequest federated_request(const config::Identity& identity);
[[nodiscard]] TokenRequest managed_identity_request(const config::Identity& identity);
[[nodiscard]] TokenRequest service_account_request(const config::Identity& identity, const TokenQuery& query);
[[nodiscard]] TokenRequest password_request(const config::Identity& identity, const TokenQuery& query);
[[nodiscard]] TokenRequest command_request(const config::Identity& identity);

}  // namespace saslift::auth
