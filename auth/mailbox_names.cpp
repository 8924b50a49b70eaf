#include "auth/mailbox_names.h"

#include <utility>

namespace saslift::auth {
namespace {

// More accounts with a upn than anybody writes by hand; one forgotten costs a second try.
constexpr std::size_t most_remembered = 10'000;

}  // namespace

MailboxName MailboxNames::to_try_first(const MailboxDoor& door) const {
  return by_upn_.contains(door) ? MailboxName::upn : MailboxName::address;
}

void MailboxNames::prefer(MailboxDoor door, MailboxName name) {
  if (name == MailboxName::address) {
    by_upn_.erase(door);
  } else if (by_upn_.size() < most_remembered) {
    by_upn_.insert(std::move(door));
  }
}

}  // namespace saslift::auth
