// POP3 with the provider, up to its yes. See proxy/dialogue/server_side.h.
#pragma once

#include <memory>

#include "proxy/dialogue/server_side.h"

namespace saslift::proxy::pop3 {

[[nodiscard]] std::unique_ptr<ServerSide> make_server_side(ServerLogin login);

}  // namespace saslift::proxy::pop3
