// One alarm. Setting it again replaces what was set; destroying it cancels.
#pragma once

#include <functional>

#include "auth/clock.h"
#include "proxy/net/loop.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::net {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> rang);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() = default;

  void set(auth::Duration from_now);
  void cancel();

 private:
  UvHandle<uv_timer_t> handle_;
  std::function<void()> rang_;
};

}  // namespace saslift::proxy::net
