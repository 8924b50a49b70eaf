// What we say to the mail program in IMAP's words.
#pragma once

#include <string>
#include <string_view>

#include "proxy/dialogue/client_side.h"

namespace saslift::proxy::imap {

// The only place that knows our capabilities: greeting and CAPABILITY cannot disagree.
[[nodiscard]] std::string capabilities(const ClientSideSettings& settings);

// "[UNAVAILABLE]": RFC 9051 section 7.1.
[[nodiscard]] std::string_view response_code(auth::LoginFailure failure);

// A command of the authenticated or selected state (RFC 9051 section 6.3 and 6.4, and extensions).
[[nodiscard]] bool needs_login(std::string_view command_name);

[[nodiscard]] std::string_view words_of(Dismissal why);

}  // namespace saslift::proxy::imap
