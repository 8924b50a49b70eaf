#pragma once

#include <algorithm>
#include <cstdint>

#include "auth/clock.h"

namespace saslift::proxy {

[[nodiscard]] inline std::uint32_t milliseconds_between(auth::Instant from, auth::Instant to) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, (to - from).count()));
}

}  // namespace saslift::proxy
