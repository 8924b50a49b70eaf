#include "proxy/keeper/restart_pacer.h"

#include <algorithm>

namespace saslift::proxy::keeper {

auth::Duration RestartPacer::died_after(auth::Duration life) {
  if (life >= healthy_life) next_ = auth::Duration{0};
  const auto pause = next_;
  next_ = pause.count() == 0 ? first_pause : std::min(2 * pause, longest_pause);
  return pause;
}

}  // namespace saslift::proxy::keeper
