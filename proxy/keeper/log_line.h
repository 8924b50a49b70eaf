// A log event as one line, text or JSON. Whatever a field holds, the line stays one line of printable ASCII,
// and no value is longer than longest_log_value.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "auth/log_event.h"

namespace saslift::proxy::keeper {

using WallTime = std::chrono::system_clock::time_point;

inline constexpr std::size_t longest_log_value = 256;

// `2026-11-21T06:31:22.123Z info login_refused login="a b" reason=...`, with its LF.
[[nodiscard]] std::string text_line(const auth::LogEvent& event, WallTime time);
// `{"time":...,"level":...,"event":...,...}`, with its LF.
[[nodiscard]] std::string json_line(const auth::LogEvent& event, WallTime time);
// "2026-11-21T06:31:22.123Z"
[[nodiscard]] std::string timestamp(WallTime time);

}  // namespace saslift::proxy::keeper
