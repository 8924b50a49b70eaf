#include <fmt/format.h>

#include <cstdio>

#include "proxy/commands/configuration.h"
#include "proxy/commands/told_keeper.h"
#include "proxy/keeper/control_requests.h"

namespace saslift::proxy::commands {

// The keeper judges the file: it has what systemd hands over, and the rights to read what is its own.
int reload(const ReloadOptions& options) {
  const auto service = load_service(options.config);
  if (!service) {
    print_problems(service.error());
    fmt::print(stderr, "nothing was changed\n");
    return wrong_use;
  }
  const std::string path = path_of(options.config);
  const auto told = tell_keeper(*service, keeper::reload_request());
  if (options.output == Output::json) {
    fmt::print(stdout, "{}", told_to_programs({"config", path}, told));
  } else if (told) {
    fmt::print(stdout, "reloaded {}: {}\n", path, sessions_ended(*told));
  } else {
    fmt::print(stderr, "{}\n", told.error());
  }
  if (told) return yes;
  return load_configuration(options.config) ? no : wrong_use;
}

}  // namespace saslift::proxy::commands
