// The ends that somebody must act before: client secrets and certificates of identities. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"

namespace saslift::proxy::commands {

enum class EndOf : std::uint8_t { client_secret, certificate };

struct IdentityEnd {
  std::string identity;
  EndOf what = EndOf::client_secret;
  std::chrono::sys_seconds at;
};

// Those that the configuration tells.
[[nodiscard]] std::vector<IdentityEnd> ends_of(const config::Settings& settings);

// How near it is: 30, 7, 1 days or less; 0: it is over. nullopt: further away.
[[nodiscard]] std::optional<int> days_threshold(const IdentityEnd& end, std::chrono::sys_seconds now);

// "the certificate of identity 'office' ends in 6 days, on 2027-03-31; ..."; empty: it is not near.
[[nodiscard]] std::string end_warning(const IdentityEnd& end, std::chrono::sys_seconds now);

}  // namespace saslift::proxy::commands
