// What keeps a refused login from knocking again: refusals by the mail server, remembered for a minute for
// (identity, mailbox, protocol), so that a device which retries every few seconds does not reach the provider.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>

#include "auth/clock.h"
#include "config/settings.h"

namespace saslift::auth {

struct MailboxDoor {
  std::string identity;
  std::string mailbox;
  config::Protocol protocol = config::Protocol::imap;

  friend auto operator<=>(const MailboxDoor&, const MailboxDoor&) = default;
};

class Gate {
 public:
  void remember_refusal(MailboxDoor door, std::string server_words, Instant now);
  // The server's words, while they count.
  [[nodiscard]] std::optional<std::string> refusal_of(const MailboxDoor& door, Instant now) const;
  void forget_refusal(const MailboxDoor& door) { refusals_.erase(door); }
  [[nodiscard]] std::size_t size() const { return refusals_.size(); }

 private:
  struct Refusal {
    std::string server_words;
    Instant until;
  };
  std::map<MailboxDoor, Refusal> refusals_;
};

}  // namespace saslift::auth
