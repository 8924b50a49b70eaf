#include "auth/upstream_user.h"

namespace saslift::auth {

std::string_view fixed_upstream_user(const AccountMatch& match, const config::Identity& identity,
                                     config::Protocol protocol) {
  // A mailbox shared with the account is named by itself.
  const auto written = match.account->users.find(protocol);
  if (match.kind == MailboxKind::own && written != match.account->users.end()) return written->second;
  if (protocol == config::Protocol::smtp && config::is_delegated(identity)) return identity.owner;
  return {};
}

}  // namespace saslift::auth
