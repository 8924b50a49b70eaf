// The three protocols, as sessions know them.
#pragma once

#include "config/settings.h"
#include "proxy/session/protocol.h"

namespace saslift::proxy {

[[nodiscard]] ProtocolRow row_of(config::Protocol protocol);

}  // namespace saslift::proxy
