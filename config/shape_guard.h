// The bounds a TOML text keeps before the TOML library may see it. The library calls itself once for each
// level of nesting and each part of a dotted key; 200,000 parts overflow its stack.
#pragma once

#include <optional>
#include <string_view>

#include "config/document.h"

namespace saslift::config {

// nullopt: within bounds up to its end, or up to its first syntax error, which the library will find.
[[nodiscard]] std::optional<SyntaxError> beyond_bounds(std::string_view text);

}  // namespace saslift::config
