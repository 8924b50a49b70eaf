#include "auth/expiry_watch.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>

#include "config/signing_key.h"

namespace saslift::auth {
namespace {

constexpr std::array<std::int64_t, 3> thresholds{1, 7, 30};
constexpr std::int64_t over = 0;
constexpr std::int64_t not_yet = 31;
// Entra's, without use; others give longer.
constexpr std::chrono::days life_of_refresh_token{90};

std::int64_t threshold_for(const Expiry& expiry, std::chrono::system_clock::time_point wall) {
  if (expiry.ends <= wall) return over;
  for (const std::int64_t threshold : thresholds)
    if (days_left(expiry, wall) <= threshold) return threshold;
  return not_yet;
}

std::string remedy_for(const Expiry& expiry) {
  switch (expiry.what) {
    case Expiring::client_secret:
      return "make a new client secret in the app registration, put it into the file, set client_secret_expires";
    case Expiring::certificate:
      return "make a new certificate, upload it to the app registration, put it into the file";
    case Expiring::refresh_token:
      return "find out why it is not refreshed (its last error), or sign in again: saslift sign-in " + expiry.identity;
  }
  return {};
}

}  // namespace

std::string_view name_of(Expiring what) {
  switch (what) {
    case Expiring::client_secret:
      return "client_secret";
    case Expiring::certificate:
      return "certificate";
    case Expiring::refresh_token:
      return "refresh_token";
  }
  return "unknown";
}

std::int64_t days_left(const Expiry& expiry, std::chrono::system_clock::time_point wall) {
  return std::chrono::floor<std::chrono::days>(expiry.ends - wall).count();
}

std::vector<Expiry> expiries_of(const config::Settings& settings, const RefreshTokens& refresh_tokens) {
  std::vector<Expiry> expiries;
  for (const auto& [name, identity] : settings.identities) {
    if (identity.client_secret_expires) {
      expiries.push_back({.identity = name,
                          .what = Expiring::client_secret,
                          .ends = std::chrono::sys_days(*identity.client_secret_expires)});
    }
    if (identity.signing_key && !identity.signing_key->certificate_der.empty()) {
      if (const auto facts = config::facts_of_certificate(identity.signing_key->certificate_der))
        expiries.push_back({.identity = name, .what = Expiring::certificate, .ends = facts->not_after});
    }
    if (const auto refreshed = refresh_tokens.refreshed_at(name))
      expiries.push_back(
          {.identity = name, .what = Expiring::refresh_token, .ends = *refreshed + life_of_refresh_token});
  }
  return expiries;
}

std::string date_of(const Expiry& expiry) {
  return fmt::format("{:%Y-%m-%d}", std::chrono::floor<std::chrono::seconds>(expiry.ends));
}

std::vector<LogEvent> ExpiryWatch::look(const std::vector<Expiry>& expiries,
                                        std::chrono::system_clock::time_point wall) {
  std::vector<LogEvent> events;
  for (const Expiry& expiry : expiries) {
    const std::int64_t threshold = threshold_for(expiry, wall);
    std::int64_t& told = told_.try_emplace({expiry.identity, expiry.what}, not_yet).first->second;
    if (threshold == not_yet) told = not_yet;  // renewed
    if (threshold >= told) continue;
    told = threshold;
    events.push_back({threshold == over ? config::LogLevel::error : config::LogLevel::warning,
                      threshold == over ? "expired" : "expires_soon",
                      {{"identity", expiry.identity},
                       {"what", std::string(name_of(expiry.what))},
                       {"on", date_of(expiry)},
                       {"days_left", days_left(expiry, wall)},
                       {"remedy", remedy_for(expiry)}}});
  }
  return events;
}

}  // namespace saslift::auth
