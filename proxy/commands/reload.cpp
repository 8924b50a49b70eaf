#include <fmt/format.h>

#include <cstdio>

#include "proxy/commands/configuration.h"
#include "proxy/commands/told_keeper.h"
#include "proxy/keeper/control_requests.h"

namespace saslift::proxy::commands {

int reload(const ReloadOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    fmt::print(stderr, "nothing was changed\n");
    return wrong_use;
  }
  const auto told = tell_keeper(loaded->settings, keeper::reload_request());
  if (options.output == Output::json) {
    fmt::print(stdout, "{}", told_to_programs({"config", loaded->settings.path}, told));
  } else if (told) {
    fmt::print(stdout, "reloaded {}: {}\n", loaded->settings.path, sessions_ended(*told));
  } else {
    fmt::print(stderr, "{}\n", told.error());
  }
  return told ? yes : no;
}

}  // namespace saslift::proxy::commands
