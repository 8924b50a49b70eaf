// Time as the rooms of auth/ see it: an instant handed in, never read. Real instants come from
// CLOCK_BOOTTIME, which counts through suspend and ignores steps of the wall clock.
#pragma once

#include <chrono>

namespace saslift::auth {

using Duration = std::chrono::milliseconds;

struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  [[nodiscard]] static time_point now() noexcept;
};

using Instant = BootClock::time_point;

}  // namespace saslift::auth
