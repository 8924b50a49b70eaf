// The Retry-After header of a reply: seconds or a date (RFC 9110 10.2.3).
#pragma once

#include <ctime>
#include <optional>
#include <string_view>

#include "auth/clock.h"

namespace saslift::proxy::fetch {

// nullopt: absent or neither. `now` is the wall clock's, for the date form; at most a day.
[[nodiscard]] std::optional<auth::Duration> read_retry_after(std::string_view value, std::time_t now);

}  // namespace saslift::proxy::fetch
