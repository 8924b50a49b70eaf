// The TOML of an account for a fresh password. Pure.
#pragma once

#include <string>
#include <string_view>

namespace saslift::proxy::commands {

// `login` empty: a device without a login of its own is named "device".
[[nodiscard]] std::string account_lines(std::string_view login, std::string_view hash);

}  // namespace saslift::proxy::commands
