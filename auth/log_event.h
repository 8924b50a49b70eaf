// One line of the log as fields. Only the keeper's log writer turns it into text or JSON, escapes user text
// and cuts it at 256 bytes. A Secret cannot get in: it has no conversion to a field.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace saslift::auth {

using LogValue = std::variant<std::string, std::int64_t>;

struct LogEvent {
  config::LogLevel level = config::LogLevel::info;
  std::string event;  // snake_case, past tense: "login_refused"
  std::vector<std::pair<std::string, LogValue>> fields;
};

}  // namespace saslift::auth
