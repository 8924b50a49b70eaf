// Whether logins can be served now, for who sends them here only then. Pure.
#pragma once

#include <string>
#include <vector>

#include "auth/login_desk.h"
#include "proxy/keeper/listeners.h"
#include "proxy/keeper/worker_processes.h"

namespace saslift::proxy::keeper {

struct Readiness {
  bool ready = false;
  // One entry for each listener, identity or process that does not do its part; readiness bears some.
  std::vector<std::string> lacking;
};

[[nodiscard]] Readiness readiness_of(const std::vector<WorkerStatus>& workers,
                                     const std::vector<OpenListener>& listeners, const auth::DeskStatus& desk);

}  // namespace saslift::proxy::keeper
