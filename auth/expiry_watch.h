// What ends by a date, and who is to be told: 30, 7 and 1 days before, and when it has, once each; again after a
// restart. Pure: dates and the wall clock are handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "auth/log_event.h"
#include "auth/refresh_tokens.h"
#include "config/settings.h"

namespace saslift::auth {

enum class Expiring : std::uint8_t { client_secret, certificate, refresh_token };
[[nodiscard]] std::string_view name_of(Expiring what);

struct Expiry {
  std::string identity;
  Expiring what = Expiring::client_secret;
  std::chrono::system_clock::time_point ends;
};
// Whole days that are left; negative once it is over.
[[nodiscard]] std::int64_t days_left(const Expiry& expiry, std::chrono::system_clock::time_point wall);

// Of all identities: client secrets whose end is configured, certificates, refresh tokens that nothing refreshes.
[[nodiscard]] std::vector<Expiry> expiries_of(const config::Settings& settings, const RefreshTokens& refresh_tokens);
// "2027-03-01"
[[nodiscard]] std::string date_of(const Expiry& expiry);

class ExpiryWatch {
 public:
  // The warnings that are due.
  [[nodiscard]] std::vector<LogEvent> look(const std::vector<Expiry>& expiries,
                                           std::chrono::system_clock::time_point wall);

 private:
  std::map<std::pair<std::string, Expiring>, std::int64_t> told_;  // at how many days
};

}  // namespace saslift::auth
