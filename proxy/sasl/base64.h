// Base64 with the standard alphabet and padding (RFC 4648 section 4), as SASL uses it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/secret.h"

namespace saslift::proxy::sasl {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
// nullopt: not base64. Secret, because what clients send in it usually is one.
[[nodiscard]] std::optional<config::Secret> decode_base64(std::string_view text);

}  // namespace saslift::proxy::sasl
