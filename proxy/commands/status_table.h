// The keeper's status as people read it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saslift::proxy::commands {

// nullopt: not a status.
[[nodiscard]] std::optional<std::string> status_table(std::string_view reply);

}  // namespace saslift::proxy::commands
