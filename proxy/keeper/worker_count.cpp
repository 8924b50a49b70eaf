#include "proxy/keeper/worker_count.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace saslift::proxy::keeper {
namespace {

constexpr rlim_t kept_descriptors = 64;
// Nobody needs more, and "unlimited" must become some number.
constexpr rlim_t most_sessions = 500'000;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "0::/system.slice/saslift.service" of /proc/self/cgroup: the one line of cgroup v2.
std::string own_cgroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return {};
}

}  // namespace

unsigned worker_count(unsigned configured, const Processors& processors) {
  if (configured > 0) return configured;
  unsigned count = std::min(processors.affinity, most_workers_by_default);
  if (processors.quota) count = std::min(count, *processors.quota);
  return std::max(count, 1U);
}

std::optional<unsigned> read_cpu_max(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = number(text.substr(0, space));
  const auto period = number(text.substr(space + 1));
  if (!quota || !period || *period == 0) return std::nullopt;
  const auto rounded_up = *quota / *period + (*quota % *period == 0 ? 0 : 1);
  return static_cast<unsigned>(std::clamp<std::uint64_t>(rounded_up, 1, 4096));
}

Processors processors_here() {
  Processors here;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) here.affinity = static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  const std::filesystem::path root = "/sys/fs/cgroup";
  for (std::filesystem::path group = own_cgroup();; group = group.parent_path()) {
    if (const auto quota = read_cpu_max(first_line(root / group / "cpu.max"))) {
      here.quota = std::min(here.quota.value_or(*quota), *quota);
    }
    if (group.empty()) return here;
  }
}

std::uint32_t session_cap(rlim_t descriptors) {
  const rlim_t roomy = descriptors > kept_descriptors ? (descriptors - kept_descriptors) / 2 : 0;
  const rlim_t cramped = descriptors / 8;
  return static_cast<std::uint32_t>(std::clamp<rlim_t>(std::max(roomy, cramped), 1, most_sessions));
}

}  // namespace saslift::proxy::keeper
