// Tells clients that speak TLS, HTTP or SSH on a mail port from those that mistype a command: they are not
// worth three answers, and a browser may be a stranger's tool (ALPACA).
#pragma once

#include <string_view>

namespace saslift::proxy {

// `unread` is what has come where a command should start. HTTP is known by its first whole line.
[[nodiscard]] bool is_foreign_protocol(std::string_view unread);

}  // namespace saslift::proxy
