#include "proxy/keeper/readiness.h"

#include <algorithm>

namespace saslift::proxy::keeper {

Readiness readiness_of(const std::vector<WorkerStatus>& workers, const std::vector<OpenListener>& listeners,
                       const auth::DeskStatus& desk) {
  Readiness result;
  const bool served = std::ranges::any_of(workers, [](const WorkerStatus& worker) { return worker.pid != 0; });
  if (!served) result.lacking.emplace_back("workers: none is running");

  bool open = !listeners.empty();
  for (const auto& listener : listeners) {
    if (listener.socket) continue;
    open = false;
    result.lacking.push_back("listener " + listener.settings->name + ": closed");
  }

  bool usable = false;
  for (const auto& identity : desk.identities) {
    usable = usable || identity.usable;
    if (identity.usable) continue;
    const std::string& why = identity.sign_in_needed.empty() ? identity.last_error : identity.sign_in_needed;
    result.lacking.push_back("identity " + identity.name + ": " + why);
  }
  result.ready = served && open && usable;
  return result;
}

}  // namespace saslift::proxy::keeper
