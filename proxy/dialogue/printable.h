// A server's line as the log may show it.
#pragma once

#include <string>
#include <string_view>

namespace saslift::proxy {

// ASCII, at most 256 bytes, without what may be a token.
[[nodiscard]] std::string printable(std::string_view line);

}  // namespace saslift::proxy
