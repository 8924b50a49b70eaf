// application/x-www-form-urlencoded, which may hold secrets: built in memory that never moves.
#pragma once

#include <optional>
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
// nullopt: a '%' without two hexadecimal digits.
[[nodiscard]] std::optional<config::Secret> url_decoded(std::string_view text);

}  // namespace saslift::auth
