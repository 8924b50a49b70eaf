// An order to the running keeper, and whether it was carried out.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "proxy/keeper/control_requests.h"

namespace saslift::proxy::commands {

// The error is for people.
using Told = std::expected<keeper::ControlOutcome, std::string>;
[[nodiscard]] Told tell_keeper(const config::Service& service, std::string_view request);

// "1 session ended", "no session ended"
[[nodiscard]] std::string sessions_ended(const keeper::ControlOutcome& outcome);
struct About {
  std::string_view name;
  std::string_view value;
};
// One line of JSON: what it is about, "ok", and "sessions_ended" or "error".
[[nodiscard]] std::string told_to_programs(const About& about, const Told& told);

}  // namespace saslift::proxy::commands
