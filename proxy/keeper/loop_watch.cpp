#include "proxy/keeper/loop_watch.h"

#include <algorithm>
#include <utility>

namespace saslift::proxy::keeper {

LoopWatch::LoopWatch(net::Loop& loop, auth::Duration limit, Stalled stalled)
    : limit_(limit),
      stalled_(std::move(stalled)),
      turn_([&](uv_check_t* check) { return uv_check_init(loop.raw(), check); }) {
  uv_loop_configure(loop.raw(), UV_METRICS_IDLE_TIME);
  turn_.set_owner(this);
  uv_check_start(turn_.get(), [](uv_check_t* check) {
    if (auto* self = static_cast<LoopWatch*>(check->data)) self->turn_ended();
  });
  uv_unref(turn_.base());
}

// libuv calls the owners of events within its wait; only the time without any is idle.
void LoopWatch::turn_ended() {
  const std::uint64_t now = uv_hrtime();
  const std::uint64_t idle = uv_metrics_idle_time(turn_.get()->loop);
  const std::uint64_t began = std::exchange(last_end_, now);
  const std::uint64_t idle_before = std::exchange(last_idle_, idle);
  if (began == 0) return;
  constexpr std::uint64_t nanoseconds_in_one = 1'000'000;
  const std::uint64_t waited = idle - idle_before;
  const std::uint64_t passed = now - began;
  const auth::Duration worked(static_cast<std::int64_t>((passed - std::min(passed, waited)) / nanoseconds_in_one));
  if (worked > limit_) stalled_(worked);
}

}  // namespace saslift::proxy::keeper
