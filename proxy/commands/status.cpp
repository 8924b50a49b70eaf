#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "proxy/commands/configuration.h"
#include "proxy/commands/status_table.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/control_requests.h"
#include "proxy/keeper/control_socket.h"

namespace saslift::proxy::commands {

int status(const StatusOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  const std::string path = keeper::control_path(loaded->settings.service);
  const auto reply = keeper::ask_keeper(path, keeper::status_request());
  if (!reply) {
    fmt::print(stderr, "saslift is not running, or out of reach: {}: {}\n", path, reply.error().detail);
    return no;
  }
  if (options.output == Output::json) {
    fmt::print(stdout, "{}\n", *reply);
    return yes;
  }
  const auto table = status_table(*reply);
  if (!table) {
    fmt::print(stderr, "the keeper's answer is not understood; is it of another version?\n");
    return no;
  }
  fmt::print(stdout, "{}", *table);
  return yes;
}

}  // namespace saslift::proxy::commands
