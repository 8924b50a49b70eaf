// What `saslift check` tells of the identities: certificates as the provider's portal shows them, and what no
// configuration can change.
#pragma once

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

[[nodiscard]] std::vector<std::string> notes_on(const config::Settings& settings);

}  // namespace saslift::proxy::commands
