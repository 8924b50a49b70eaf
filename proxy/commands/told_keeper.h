// An order to the running keeper, and whether it was carried out.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace saslift::proxy::commands {

// The error is for people.
[[nodiscard]] std::expected<void, std::string> tell_keeper(const config::Settings& settings, std::string_view request);

}  // namespace saslift::proxy::commands
