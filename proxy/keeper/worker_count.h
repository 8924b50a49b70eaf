// How many workers, and how many sessions each may hold.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace saslift::proxy::keeper {

inline constexpr unsigned most_workers_by_default = 8;

struct Processors {
  unsigned affinity = 1;          // that this process may run on
  std::optional<unsigned> quota;  // of the control group, in processors, rounded up
};

// `configured` 0: min(affinity, quota, 8), at least one.
[[nodiscard]] unsigned worker_count(unsigned configured, const Processors& processors);

// The text of a cgroup v2 cpu.max, "150000 100000"; nullopt: "max", or not such a text.
[[nodiscard]] std::optional<unsigned> read_cpu_max(std::string_view text);
// Of this process: sched_getaffinity, and the tightest cpu.max on the way up from its control group.
[[nodiscard]] Processors processors_here();

// Two descriptors a session; 64 are kept for everything else.
[[nodiscard]] std::uint32_t session_cap(rlim_t descriptors);

}  // namespace saslift::proxy::keeper
