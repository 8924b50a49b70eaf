// Measures how long each turn of the loop works before it waits again: for so long nobody else was heard.
#pragma once

#include <cstdint>
#include <functional>

#include "auth/clock.h"
#include "proxy/net/loop.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::keeper {

class LoopWatch {
 public:
  static constexpr auth::Duration usual_limit{100};

  // Told of a turn longer than that, after it.
  using Stalled = std::function<void(auth::Duration turn)>;

  LoopWatch(net::Loop& loop, auth::Duration limit, Stalled stalled);
  LoopWatch(const LoopWatch&) = delete;
  LoopWatch& operator=(const LoopWatch&) = delete;
  ~LoopWatch() = default;

 private:
  void turn_ended();

  auth::Duration limit_;
  Stalled stalled_;
  std::uint64_t last_end_ = 0;   // nanoseconds; 0: none yet
  std::uint64_t last_idle_ = 0;  // spent waiting, since the loop began
  net::UvHandle<uv_check_t> turn_;
};

}  // namespace saslift::proxy::keeper
