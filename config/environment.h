// The environment that saslift was started in, as far as the configuration leaves things to it.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace saslift::config {

// The value of a variable; nullopt: not set, or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// This process's own. Variables that hold secrets are overwritten in place once read, and remembered for the
// next reading.
[[nodiscard]] Environment process_environment();

}  // namespace saslift::config
