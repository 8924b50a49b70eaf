// What an observer looks for in the server's talk after login.
#pragma once

#include "proxy/dialogue/observer.h"

namespace saslift::proxy::smtp {

[[nodiscard]] Watch watch();

}  // namespace saslift::proxy::smtp
