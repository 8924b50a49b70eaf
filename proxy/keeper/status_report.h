// The keeper's answer to `saslift status`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "auth/login_desk.h"
#include "proxy/keeper/listeners.h"
#include "proxy/keeper/worker_processes.h"

namespace saslift::proxy::keeper {

struct StatusFacts {
  int pid = 0;
  auth::Duration uptime{0};
  std::vector<WorkerStatus> workers;
  const std::vector<OpenListener>& listeners;
  auth::DeskStatus desk;
  std::uint64_t log_lines_dropped = 0;
  std::string metrics = "off";  // or where they are served
};

// One line of JSON.
[[nodiscard]] std::string status_report(const StatusFacts& facts);

}  // namespace saslift::proxy::keeper
