// What a login name can mean. Exchange, and DAV before us, took a domain before a user and a shared mailbox
// behind it: "DOMAIN\user", "user/shared", "user\shared@contoso.com", "DOMAIN\user\shared".
#pragma once

#include <string_view>
#include <vector>

namespace saslift::auth {

struct LoginReading {
  std::string_view user;    // the login to look for; its account's password counts
  std::string_view shared;  // the mailbox wanted instead of the account's own; empty: none
};

// The name as it stands first, then what its parts can mean, likelier first. Views into `login`.
[[nodiscard]] std::vector<LoginReading> readings_of(std::string_view login);

}  // namespace saslift::auth
