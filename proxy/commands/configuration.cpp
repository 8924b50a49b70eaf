#include "proxy/commands/configuration.h"

#include <fmt/format.h>

#include <cstdio>

namespace saslift::proxy::commands {

std::string path_of(const ConfigChoice& choice) { return choice.path.empty() ? config::default_path() : choice.path; }

config::LoadResult load_configuration(const ConfigChoice& choice) { return config::load(path_of(choice)); }

std::expected<config::Service, std::vector<config::Problem>> load_service(const ConfigChoice& choice) {
  return config::load_service(path_of(choice));
}

void print_problems(const std::vector<config::Problem>& problems) {
  for (const auto& problem : problems) fmt::print(stderr, "{}\n", problem.message());
}

void print_warnings(const std::vector<config::Problem>& warnings) {
  for (const auto& warning : warnings) fmt::print(stderr, "warning: {}\n", warning.message());
}

}  // namespace saslift::proxy::commands
