// Runs many connections on one epoll loop: so many in all, so many at once, and all within a time.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/driver/connection.h"

namespace saslift::bench {

struct Order {
  Target target;
  Script script;
  std::string user;  // '%' stands for the number of the connection
  unsigned count = 1;
  unsigned at_once = 1;
  std::chrono::seconds time{120};
  std::function<void()> all_idle;  // told once, when every idle conversation is logged in
};

struct Outcome {
  std::vector<double> login_ms;
  double seconds = 0;
};

// Idle conversations are held until standard input ends; the time counts up to there.
[[nodiscard]] Outcome run(const Order& order);

}  // namespace saslift::bench
