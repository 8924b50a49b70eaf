// A person has signed in for an identity: what that brought, to be kept.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "config/secret.h"

namespace saslift::auth {

struct SignIn {
  std::string identity;
  config::Secret refresh_token;
  std::string user;  // who signed in, as the provider says; empty: it does not
};

using SignInId = std::uint64_t;
// Kept on disk; or why not, in words for the person.
using SignInOutcome = std::expected<void, std::string>;

}  // namespace saslift::auth
