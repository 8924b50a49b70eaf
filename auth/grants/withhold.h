// A provider that echoes a request must not bring a secret of it into the log.
#pragma once

#include "auth/grants/grant.h"

namespace saslift::auth {

// Any text of the error that holds a secret of the identity, or `refresh_token`, plain or URL-encoded, is dropped.
// nullptr: it has none.
void withhold_secrets(const config::Identity& identity, const config::Secret* refresh_token, TokenError& error);

}  // namespace saslift::auth
