// What to say to a logged-in client whose session we end, and whether now is the moment.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/dialogue/parting.h"

namespace saslift::proxy::imap {

// `last_from_server` is the tail of what the server sent last, with nothing from the client after it.
// nullopt: the client is in the midst of something.
[[nodiscard]] std::optional<std::string> farewell(std::string_view last_from_server, Parting why);

}  // namespace saslift::proxy::imap
