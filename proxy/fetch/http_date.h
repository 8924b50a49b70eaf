// The times in a reply's header fields.
#pragma once

#include <ctime>
#include <optional>
#include <string_view>

#include "auth/clock.h"

namespace saslift::proxy::fetch {

// RFC 9110 5.6.7, in any of its three forms; nullopt: absent or none of them.
[[nodiscard]] std::optional<std::time_t> read_http_date(std::string_view value);

// Retry-After: seconds or a date (RFC 9110 10.2.3); nullopt: absent or neither. `now` is the wall clock's, for the date
// form; at most a day.
[[nodiscard]] std::optional<auth::Duration> read_retry_after(std::string_view value, std::time_t now);

}  // namespace saslift::proxy::fetch
