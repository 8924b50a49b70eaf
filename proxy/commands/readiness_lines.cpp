#include "proxy/commands/readiness_lines.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace saslift::proxy::commands {

std::optional<ToldReadiness> told_readiness(std::string_view reply) {
  const auto status = nlohmann::json::parse(reply, nullptr, false);
  if (status.is_discarded()) return std::nullopt;
  try {
    return ToldReadiness{status.at("ready").get<bool>(), status.at("lacking").get<std::vector<std::string>>()};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::string readiness_lines(const ToldReadiness& told) {
  std::string lines = told.ready ? "ready\n" : "not ready\n";
  for (std::string what : told.lacking) {
    // A provider's words end up on a terminal here.
    std::ranges::replace_if(what, [](char c) { return c < ' ' || c > '~'; }, '?');
    lines += what + "\n";
  }
  return lines;
}

}  // namespace saslift::proxy::commands
