// RFC 6749 section 4.4: the app itself asks, with its secret; EXCHANGE 1.2.
#pragma once

#include "config/settings.h"

namespace saslift::auth {

[[nodiscard]] config::Secret client_credentials_body(const config::Identity& identity);

}  // namespace saslift::auth
