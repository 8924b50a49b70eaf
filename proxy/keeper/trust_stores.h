// Which trust stores each generation of workers was given when it started: a grant names a store by its index, and
// after a reload the index of one generation is not that of another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/keeper/worker_processes.h"

namespace saslift::proxy::keeper {

class TrustStores {
 public:
  using Generation = WorkerProcesses::Generation;

  void given(Generation generation, std::vector<std::string> files) {
    std::erase_if(files_, [&](const auto& entry) { return entry.first + generations_kept < generation; });
    files_.insert_or_assign(generation, std::move(files));
  }

  // What the newest generation calls `index`, as that generation calls it; nullopt: it has no such store.
  struct Wanted {
    Generation generation;
    std::uint32_t index;
  };
  [[nodiscard]] std::optional<std::uint32_t> index_for(Wanted wanted) const {
    const auto theirs = files_.find(wanted.generation);
    if (theirs == files_.end() || wanted.index >= files_.rbegin()->second.size()) return std::nullopt;
    const auto found = std::ranges::find(theirs->second, files_.rbegin()->second[wanted.index]);
    if (found == theirs->second.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - theirs->second.begin());
  }

 private:
  // The retired ones, and one that is being drained.
  static constexpr Generation generations_kept = WorkerProcesses::most_retired_generations + 1;

  std::map<Generation, std::vector<std::string>> files_;
};

}  // namespace saslift::proxy::keeper
