// How many connections a mailbox has at the provider. Exchange Online refuses the fourth submission with 432,
// which a device shows as "failed": here it waits for its turn instead, first come, first served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/open_login.h"

namespace saslift::auth {

enum class SlotKind : std::uint8_t { submission, reading };

struct SlotPool {
  std::string provider;
  std::string mailbox;  // folded
  SlotKind kind = SlotKind::submission;
  friend auto operator<=>(const SlotPool&, const SlotPool&) = default;
};

class Slots {
 public:
  struct Limits {
    unsigned submission = 3;
    unsigned reading = 16;
  };
  enum class Place : std::uint8_t { taken, waiting };

  explicit Slots(Limits limits) : limits_(limits) {}

  // One for each login; asking again changes nothing.
  [[nodiscard]] Place ask(const LoginKey& who, const SlotPool& pool);
  // Gives back what it has, or its place in the queue. Returns whose turn it is now; that one has its slot.
  [[nodiscard]] std::optional<LoginKey> leave(const LoginKey& who);
  // Who holds a slot keeps it. Returns whose turn it is now; they have their slots.
  [[nodiscard]] std::vector<LoginKey> change_limits(Limits limits);

  [[nodiscard]] std::size_t in_use() const { return in_use_; }
  [[nodiscard]] std::size_t waiting() const { return of_.size() - in_use_; }

 private:
  struct Pool {
    std::set<LoginKey> holders;
    std::deque<LoginKey> queue;
  };
  [[nodiscard]] std::size_t limit_of(SlotKind kind) const;
  [[nodiscard]] std::optional<LoginKey> next_in(Pool& pool, std::size_t limit);

  Limits limits_;
  std::map<SlotPool, Pool> pools_;  // none that is empty
  std::map<LoginKey, SlotPool> of_;
  std::size_t in_use_ = 0;
};

[[nodiscard]] Slots::Limits slot_limits(const config::Settings& settings);

}  // namespace saslift::auth
