// What `saslift status --ready` says. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saslift::proxy::commands {

struct ToldReadiness {
  bool ready = false;
  std::vector<std::string> lacking;
};

// nullopt: not a status.
[[nodiscard]] std::optional<ToldReadiness> told_readiness(std::string_view reply);
[[nodiscard]] std::string readiness_lines(const ToldReadiness& told);

}  // namespace saslift::proxy::commands
