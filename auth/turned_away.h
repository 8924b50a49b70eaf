// Counts connections that got no session, and says which are worth a line in the log: the first of an address
// for each reason and minute, whichever worker it knocked at.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "auth/clock.h"
#include "auth/log_event.h"
#include "auth/login.h"
#include "auth/recent.h"

namespace saslift::auth {

using TurnAwayCounts = std::array<std::uint64_t, turn_away_count>;  // by TurnAway

class TurnedAway {
 public:
  // The line, where there is one to write.
  [[nodiscard]] std::optional<LogEvent> report(const ClientsTurnedAway& report, Instant now);
  [[nodiscard]] const TurnAwayCounts& counts() const { return counts_; }

 private:
  TurnAwayCounts counts_{};
  Recent<Instant> told_{4'096};
};

}  // namespace saslift::auth
