#include "auth/slots.h"

#include <algorithm>

namespace saslift::auth {

std::size_t Slots::limit_of(SlotKind kind) const {
  return kind == SlotKind::submission ? limits_.submission : limits_.reading;
}

Slots::Place Slots::ask(const LoginKey& who, const SlotPool& pool) {
  const auto [entry, is_new] = of_.try_emplace(who, pool);
  Pool& asked = pools_[entry->second];
  if (!is_new) return asked.holders.contains(who) ? Place::taken : Place::waiting;
  // While anybody waits, nobody overtakes.
  if (asked.queue.empty() && asked.holders.size() < limit_of(pool.kind)) {
    asked.holders.insert(who);
    ++in_use_;
    return Place::taken;
  }
  asked.queue.push_back(who);
  return Place::waiting;
}

std::optional<LoginKey> Slots::next_in(Pool& pool, std::size_t limit) {
  if (pool.queue.empty() || pool.holders.size() >= limit) return std::nullopt;
  const LoginKey next = pool.queue.front();
  pool.queue.pop_front();
  pool.holders.insert(next);
  ++in_use_;
  return next;
}

std::vector<LoginKey> Slots::change_limits(Limits limits) {
  limits_ = limits;
  std::vector<LoginKey> turns;
  for (auto& [name, pool] : pools_) {
    while (const auto next = next_in(pool, limit_of(name.kind))) turns.push_back(*next);
  }
  return turns;
}

std::optional<LoginKey> Slots::leave(const LoginKey& who) {
  const auto found = of_.find(who);
  if (found == of_.end()) return std::nullopt;
  const auto entry = pools_.find(found->second);
  of_.erase(found);
  Pool& pool = entry->second;
  std::optional<LoginKey> next;
  if (pool.holders.erase(who) == 0) {
    std::erase(pool.queue, who);
  } else {
    --in_use_;
    next = next_in(pool, limit_of(entry->first.kind));
  }
  if (pool.holders.empty() && pool.queue.empty()) pools_.erase(entry);
  return next;
}

Slots::Limits slot_limits(const config::Settings& settings) {
  return {.submission = settings.service.smtp_connections, .reading = settings.service.connections};
}

}  // namespace saslift::auth
