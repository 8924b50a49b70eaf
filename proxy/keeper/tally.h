// Counts for the metrics what the log tells, the same events without who it was, and what sessions relay meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "auth/log_event.h"
#include "auth/login.h"

namespace saslift::proxy::keeper {

class Histogram {
 public:
  // Upper bounds in milliseconds; what is above the last counts as infinite.
  static constexpr std::array<std::int64_t, 11> bounds{5, 10, 25, 50, 100, 250, 500, 1'000, 2'500, 10'000, 30'000};

  void add(std::int64_t milliseconds);
  // Of those up to and including that bound.
  [[nodiscard]] std::uint64_t up_to(std::size_t bound) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::int64_t sum_milliseconds() const { return sum_; }

 private:
  std::array<std::uint64_t, bounds.size()> counts_{};
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
};

struct Tally {
  // By two labels, such as protocol and result.
  using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;

  void count(const auth::LogEvent& event);
  void count(const auth::Relayed& traffic);

  Counts logins;                            // protocol, result
  Counts bytes;                             // protocol, direction
  Counts fetches;                           // identity, result
  std::map<std::string, Histogram> phases;  // of logins that succeeded
  std::uint64_t worker_deaths = 0;
  std::uint64_t loop_stalls = 0;
  std::uint64_t reloads = 0;
};

}  // namespace saslift::proxy::keeper
