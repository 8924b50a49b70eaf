// What `saslift sign-in` says. Pure; all that a provider sent is printable by now.
#pragma once

#include <string>

#include "auth/grants/authorization_code.h"
#include "auth/grants/device_code.h"
#include "config/settings.h"

namespace saslift::proxy::commands {

[[nodiscard]] std::string device_prompt(const config::Identity& identity, const auth::DeviceAuthorization& shown);

enum class BrowserIs { here, elsewhere };
[[nodiscard]] std::string browser_prompt(const config::Identity& identity, const auth::Authorization& authorization,
                                         BrowserIs browser);

// With cause and next step where they are known.
[[nodiscard]] std::string failure_words(const config::Identity& identity, const auth::TokenError& error);

}  // namespace saslift::proxy::commands
