// What `saslift check` tells of the identities: certificates as the provider's portal shows them, and what no
// configuration can change.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/settings.h"

namespace saslift::proxy::commands {

struct IdentityCertificate {
  std::string identity;
  std::string not_after;   // "2027-03-31 12:00:00 UTC"
  std::string thumbprint;  // SHA-1 in hexadecimal, as Entra's portal shows it
  std::string x5t_s256;    // as it stands in assertions (RFC 7515 4.1.8)
};
[[nodiscard]] std::vector<IdentityCertificate> certificates_of(const config::Settings& settings);

// Of client secrets and certificates that end within 30 days, or have ended.
[[nodiscard]] std::vector<std::string> end_warnings(const config::Settings& settings,
                                                    std::chrono::system_clock::time_point now);

[[nodiscard]] std::vector<std::string> notes_on(const config::Settings& settings);

}  // namespace saslift::proxy::commands
