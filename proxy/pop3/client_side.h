// POP3 with the mail program, up to the login's answer. See proxy/dialogue/client_side.h.
#pragma once

#include <memory>

#include "proxy/dialogue/client_side.h"

namespace saslift::proxy::pop3 {

[[nodiscard]] std::unique_ptr<ClientSide> make_client_side(ClientSideSettings settings);

}  // namespace saslift::proxy::pop3
