// Which of its two names opens a mailbox upstream, its address or its user principal name: the address, until the
// server has taken the other one or not connected this one. Exchange: a shared mailbox may open by one of them alone.
#pragma once

#include <cstdint>
#include <set>

#include "auth/gate.h"

namespace saslift::auth {

enum class MailboxName : std::uint8_t { address, upn };
[[nodiscard]] constexpr MailboxName other(MailboxName name) {
  return name == MailboxName::address ? MailboxName::upn : MailboxName::address;
}

class MailboxNames {
 public:
  [[nodiscard]] MailboxName to_try_first(const MailboxDoor& door) const;
  void prefer(MailboxDoor door, MailboxName name);

 private:
  std::set<MailboxDoor> by_upn_;
};

}  // namespace saslift::auth
