#include "config/environment.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "config/secret_sources.h"

namespace saslift::config {
namespace {

constexpr std::array<std::string_view, 1> secret_variables{"IDENTITY_HEADER"};

std::optional<std::string> find(const std::string& name) {
  if (std::ranges::find(secret_variables, name) != secret_variables.end()) {
    const auto secret = read_secret("env:" + name, {});
    if (!secret) return std::nullopt;
    return std::string(secret->bytes.reveal());
  }
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

}  // namespace

Environment process_environment() { return find; }

}  // namespace saslift::config
