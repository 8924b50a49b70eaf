// What an observer looks for in the server's talk after login.
#pragma once

#include "proxy/dialogue/observer.h"

namespace saslift::proxy::imap {

[[nodiscard]] Watch watch();

}  // namespace saslift::proxy::imap
