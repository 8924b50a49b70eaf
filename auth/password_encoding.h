// A password typed with an umlaut arrives as Latin-1 from one device and as UTF-8 from the next.
#pragma once

#include <optional>

#include "config/secret.h"

namespace saslift::auth {

// The same characters in the other of the two encodings; nullopt: all ASCII, or beyond Latin-1. Depends on the
// password alone, so that the number of hashes tells nothing about the login.
[[nodiscard]] std::optional<config::Secret> in_other_encoding(const config::Secret& password);

}  // namespace saslift::auth
