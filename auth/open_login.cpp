#include "auth/open_login.h"

#include "auth/accounts.h"

namespace saslift::auth {

TokenKey OpenLogin::token_key() const {
  const bool for_one_mailbox = config::acts_for_one_mailbox(identity->grant);
  return {.identity = identity->name, .subject = for_one_mailbox ? folded(mailbox) : std::string()};
}

TokenUse OpenLogin::token_use(std::uint64_t token_id) const {
  return {.key = token_key(), .id = token_id, .door = std::string(config::name_of(protocol)) + ' ' + folded(mailbox)};
}

}  // namespace saslift::auth
