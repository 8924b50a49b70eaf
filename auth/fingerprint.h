// Tells tokens apart in the log.
#pragma once

#include <string>

#include "config/secret.h"

namespace saslift::auth {

// The first 8 hex digits of its SHA-256: enough to tell tokens apart, of no use to a thief.
[[nodiscard]] std::string fingerprint_of(const config::Secret& token);

}  // namespace saslift::auth
