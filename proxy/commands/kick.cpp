#include <fmt/format.h>

#include <cstdio>

#include "proxy/commands/configuration.h"
#include "proxy/commands/told_keeper.h"
#include "proxy/keeper/control_requests.h"

namespace saslift::proxy::commands {

int kick(const KickOptions& options) {
  const auto service = load_service(options.config);
  if (!service) {
    print_problems(service.error());
    return wrong_use;
  }
  const auto told = tell_keeper(*service, keeper::kick_request(options.account));
  if (options.output == Output::json) {
    fmt::print(stdout, "{}", told_to_programs({"account", options.account}, told));
  } else if (told) {
    fmt::print(stdout, "account '{}': {}\n", options.account, sessions_ended(*told));
  } else {
    fmt::print(stderr, "account '{}': {}\n", options.account, told.error());
  }
  return told ? yes : no;
}

}  // namespace saslift::proxy::commands
