// When the owner of a certificate is told that its end is near: once at 30, 7 and 1 day before it, and once it is
// over (FAULTS 60).
#pragma once

#include <optional>

#include "proxy/keeper/log_line.h"

namespace saslift::proxy::keeper {

class ExpiryNotice {
 public:
  explicit ExpiryNotice(WallTime not_after) : not_after_(not_after) {}

  // What to tell now: days that are left, rounded up; 0 and less: it is over. nullopt: nothing new.
  [[nodiscard]] std::optional<int> due(WallTime now);

 private:
  WallTime not_after_;
  int told_ = 4;  // the thresholds not yet passed
};

}  // namespace saslift::proxy::keeper
