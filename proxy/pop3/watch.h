// What an observer looks for in the server's talk after login.
#pragma once

#include "proxy/dialogue/observer.h"

namespace saslift::proxy::pop3 {

[[nodiscard]] Watch watch();

}  // namespace saslift::proxy::pop3
