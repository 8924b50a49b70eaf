// Local passwords: argon2id by libsodium. hash_password and verify_password take tens of milliseconds and
// 19 MiB: whoever calls them does so off its loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/secret.h"

namespace saslift::auth {

enum class PasswordCheck : std::uint8_t { matches, differs, out_of_memory };

// A PHC string, m=19 MiB t=2 p=1.
[[nodiscard]] std::string hash_password(const config::Secret& password);
[[nodiscard]] PasswordCheck verify_password(const std::string& phc, const config::Secret& password);

// 20 of A-Z a-z 0-9: what every device can store and nobody guesses.
[[nodiscard]] config::Secret generate_password();

// A hash that no password has, of the same cost as those of hash_password: checked for logins that do not
// exist, so that time does not tell which do.
[[nodiscard]] std::string decoy_hash();
// Likewise, of the same cost as this one; of the usual where that says none.
[[nodiscard]] std::string decoy_hash_like(std::string_view phc);

}  // namespace saslift::auth
