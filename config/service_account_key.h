// Google's JSON key file of a service account (EXCHANGE 1.13).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/secret.h"

namespace saslift::config {

struct ServiceAccountKey {
  std::string client_email;
  std::string token_uri;
  Secret private_key;  // PEM
};

// nullopt: not such a file. Only the three members are looked at; the key is copied nowhere else.
[[nodiscard]] std::optional<ServiceAccountKey> read_service_account_key(std::string_view json);

}  // namespace saslift::config
