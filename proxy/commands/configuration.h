// The configuration as the subcommands get it, and its problems as people read them.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/load.h"
#include "proxy/commands/subcommands.h"

namespace saslift::proxy::commands {

[[nodiscard]] std::string path_of(const ConfigChoice& choice);
[[nodiscard]] config::LoadResult load_configuration(const ConfigChoice& choice);
// For commands that only speak with the running saslift.
[[nodiscard]] std::expected<config::Service, std::vector<config::Problem>> load_service(const ConfigChoice& choice);
// On standard error, a line each.
void print_problems(const std::vector<config::Problem>& problems);
void print_warnings(const std::vector<config::Problem>& warnings);

}  // namespace saslift::proxy::commands
