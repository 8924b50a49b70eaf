// RFC 4648 section 5, without padding, as JWTs have it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saslift::auth {

[[nodiscard]] std::string to_base64url(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace saslift::auth
