#include "proxy/net/timer.h"

#include <algorithm>
#include <cstdint>

namespace saslift::proxy::net {

Timer::Timer(Loop& loop, std::function<void()> rang)
    : handle_([&](uv_timer_t* timer) { return uv_timer_init(loop.raw(), timer); }), rang_(std::move(rang)) {
  handle_.set_owner(this);
}

void Timer::set(auth::Duration from_now) {
  uv_timer_start(
      handle_.get(),
      [](uv_timer_t* timer) {
        if (auto* self = static_cast<Timer*>(timer->data)) self->rang_();
      },
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, from_now.count())), 0);
}

void Timer::cancel() { uv_timer_stop(handle_.get()); }

}  // namespace saslift::proxy::net
