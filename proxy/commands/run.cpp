#include "proxy/commands/configuration.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/keeper.h"

namespace saslift::proxy::commands {

int run(const RunOptions& options) {
  keeper::harden_keeper();
  auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  return keeper::run_keeper(std::move(*loaded));
}

}  // namespace saslift::proxy::commands
