// Pieces of configurations that are right, for tests to add one wrong thing to.
#pragma once

#include <string>
#include <string_view>

namespace saslift::config::test {

inline constexpr std::string_view good_hash =
    "$argon2id$v=19$m=19456,t=2,p=1$b1nfXPRgBWqNTubGxJsrUg$wXjIjpd62Z1zcv7QuIGkIu3h1b93KGFQ8UycEregwAo";
inline constexpr std::string_view certificate_block = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
inline constexpr std::string_view key_block = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

// Lines 1 to 4; `more` begins on line 5.
inline std::string identity_with(std::string_view more) {
  return "[identity.office]\ntenant = \"contoso.com\"\nclient_id = \"id\"\nclient_secret = \"file:office.secret\"\n" +
         std::string(more) + "\n";
}

// Lines 1 to 4; `more` begins on line 5.
inline std::string account_with(std::string_view more, std::string_view login = "scans@contoso.com") {
  return "[account.reception]\nidentity = \"office\"\npassword = \"" + std::string(good_hash) + "\"\nlogin = \"" +
         std::string(login) + "\"\n" + std::string(more) + "\n";
}

}  // namespace saslift::config::test
