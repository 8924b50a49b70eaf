// Runs a loop until a test has what it waits for; a test that never gets it fails instead of hanging.
#pragma once

#include <functional>

#include "catch.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"

namespace saslift::tests {

inline void run_until(proxy::net::Loop& loop, const std::function<bool()>& reached) {
  bool too_late = false;
  proxy::net::Timer patience(loop, [&] {
    too_late = true;
    loop.stop();
  });
  patience.set(auth::Duration{20'000});
  proxy::net::Timer look_again(loop, [] {});
  while (!reached() && !too_late) {
    look_again.set(auth::Duration{10});
    uv_run(loop.raw(), UV_RUN_ONCE);
  }
  REQUIRE_FALSE(too_late);
}

}  // namespace saslift::tests
