#include "auth/gate.h"

namespace saslift::auth {
namespace {

constexpr Duration memory_of_refusals{60'000};
// A wildcard lets one device try any number of mailboxes.
constexpr std::size_t most_refusals = 10'000;

}  // namespace

void Gate::remember_refusal(MailboxDoor door, std::string server_words, Instant now) {
  if (refusals_.size() >= most_refusals) {
    std::erase_if(refusals_, [&](const auto& entry) { return entry.second.until <= now; });
    if (refusals_.size() >= most_refusals) refusals_.erase(refusals_.begin());
  }
  refusals_.insert_or_assign(std::move(door),
                             Refusal{.server_words = std::move(server_words), .until = now + memory_of_refusals});
}

std::optional<std::string> Gate::refusal_of(const MailboxDoor& door, Instant now) const {
  const auto found = refusals_.find(door);
  if (found == refusals_.end() || found->second.until <= now) return std::nullopt;
  return found->second.server_words;
}

}  // namespace saslift::auth
