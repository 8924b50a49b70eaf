#include "proxy/commands/identity_ends.h"

#include <fmt/format.h>

#include <array>

#include "config/signing_key.h"

namespace saslift::proxy::commands {
namespace {

using std::chrono::days;

constexpr std::array<int, 3> thresholds{1, 7, 30};

struct Wording {
  std::string_view name;
  std::string_view next_step;
};

Wording wording_of(EndOf what) {
  switch (what) {
    case EndOf::client_secret:
      return {"client secret", "make a new one for the app, put it in its place, and set client_secret_expires"};
    case EndOf::certificate:
      break;
  }
  return {"certificate", "make a new one, upload it to the app, then put it in its place"};
}

}  // namespace

std::vector<IdentityEnd> ends_of(const config::Settings& settings) {
  std::vector<IdentityEnd> ends;
  for (const auto& [name, identity] : settings.identities) {
    if (identity.client_secret_expires) {
      ends.push_back({name, EndOf::client_secret, std::chrono::sys_days(*identity.client_secret_expires)});
    }
    if (!identity.signing_key) continue;
    if (const auto facts = config::facts_of_certificate(identity.signing_key->certificate_der))
      ends.push_back({name, EndOf::certificate, facts->not_after});
  }
  return ends;
}

std::optional<int> days_threshold(const IdentityEnd& end, std::chrono::sys_seconds now) {
  if (now >= end.at) return 0;
  for (const int threshold : thresholds) {
    if (end.at - now <= days(threshold)) return threshold;
  }
  return std::nullopt;
}

std::string end_warning(const IdentityEnd& end, std::chrono::sys_seconds now) {
  if (!days_threshold(end, now)) return {};
  const Wording wording = wording_of(end.what);
  const std::chrono::year_month_day day(std::chrono::floor<days>(end.at));
  const std::string date = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                                       static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  const auto left = std::chrono::floor<days>(end.at - now).count();
  const std::string when = now >= end.at ? fmt::format("ended on {}: no token is given for it any more", date)
                           : left == 0   ? fmt::format("ends within a day, on {}", date)
                                         : fmt::format("ends in {} day{}, on {}", left, left == 1 ? "" : "s", date);
  return fmt::format("the {} of identity '{}' {}; {}", wording.name, end.identity, when, wording.next_step);
}

}  // namespace saslift::proxy::commands
