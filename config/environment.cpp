#include "config/environment.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "config/secret_sources.h"

namespace saslift::config {
namespace {

constexpr std::array<std::string_view, 1> secret_variables{"IDENTITY_HEADER"};
constexpr std::array<std::string_view, 4> proxy_variables{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

bool is_one_of(const auto& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

std::optional<std::string> find(const std::string& name) {
  const char* variable = std::getenv(name.c_str());
  const std::string_view value = variable != nullptr ? variable : "";
  // One with a user has a password; an empty one may have been overwritten before.
  const bool hides_password = is_one_of(proxy_variables, name) && (value.empty() || value.find('@') != value.npos);
  if (hides_password || is_one_of(secret_variables, name)) {
    const auto secret = read_secret("env:" + name, {});
    if (!secret) return std::nullopt;
    return std::string(secret->bytes.reveal());
  }
  if (value.empty()) return std::nullopt;
  return std::string(value);
}

}  // namespace

Environment process_environment() { return find; }

}  // namespace saslift::config
