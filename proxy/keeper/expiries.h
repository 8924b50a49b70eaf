// When the certificates that we hold end.
#pragma once

#include <cstdint>
#include <optional>

#include "config/secret.h"

namespace saslift::proxy::keeper {

// Of the first certificate in the PEM, in seconds since 1970; nullopt: there is none.
[[nodiscard]] std::optional<std::int64_t> certificate_ends(const config::Secret& pem);

}  // namespace saslift::proxy::keeper
