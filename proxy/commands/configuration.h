// The configuration as the subcommands get it, and its problems as people read them.
#pragma once

#include <vector>

#include "config/load.h"
#include "proxy/commands/subcommands.h"

namespace saslift::proxy::commands {

[[nodiscard]] config::LoadResult load_configuration(const ConfigChoice& choice);
// On standard error, a line each.
void print_problems(const std::vector<config::Problem>& problems);
void print_warnings(const std::vector<config::Problem>& warnings);

}  // namespace saslift::proxy::commands
