// The keeper process, `saslift run`: owns the secrets, the sockets, the workers and the log.
#pragma once

#include "config/load.h"

namespace saslift::proxy::keeper {

// Before any secret is read.
void harden_keeper();

// Until SIGTERM or SIGINT. 0: drained; 1: could not start, the reason is on standard error.
[[nodiscard]] int run_keeper(config::Loaded loaded);

}  // namespace saslift::proxy::keeper
