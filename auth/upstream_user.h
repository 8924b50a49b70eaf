// The user that XOAUTH2 names to a provider's server (EXCHANGE 2.5): an app's token opens the mailbox named; a
// person's opens by IMAP and POP3 the mailbox named, which that person may use, and by SMTP the person's own alone.
#pragma once

#include <string_view>

#include "auth/accounts.h"
#include "config/settings.h"

namespace saslift::auth {

// Empty: the mailbox, by whichever of its names.
[[nodiscard]] std::string_view fixed_upstream_user(const AccountMatch& match, const config::Identity& identity,
                                                   config::Protocol protocol);

}  // namespace saslift::auth
