// How long to wait before a worker that died is started again. Pure.
#pragma once

#include "auth/clock.h"

namespace saslift::proxy::keeper {

class RestartPacer {
 public:
  static constexpr auth::Duration healthy_life{10'000};
  static constexpr auth::Duration first_pause{100};
  static constexpr auth::Duration longest_pause{10'000};

  // At once the first time and after a healthy life, then ever later.
  [[nodiscard]] auth::Duration died_after(auth::Duration life);

 private:
  auth::Duration next_{0};
};

}  // namespace saslift::proxy::keeper
