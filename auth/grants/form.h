// An application/x-www-form-urlencoded body that may hold secrets: built in memory that never moves.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/secret.h"

namespace saslift::auth {

struct FormField {
  std::string_view name;
  std::string_view value;
};

[[nodiscard]] config::Secret encode_form(std::span<const FormField> fields);
// All but A-Z a-z 0-9 - . _ ~ as %XX.
[[nodiscard]] config::Secret url_encoded(std::string_view value);

}  // namespace saslift::auth
