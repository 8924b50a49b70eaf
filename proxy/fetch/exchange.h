// One request to a token endpoint over verified TLS, 1.2 or newer (a managed identity's, on this host, in clear): no
// redirect followed, nothing decompressed, no more than 64 KiB of body taken. It bounds neither its time nor its
// memory: the process around it does.
#pragma once

#include "auth/grants/grant.h"

namespace saslift::proxy::fetch {

[[nodiscard]] auth::FetchOutcome exchange(const auth::TokenRequest& request);

}  // namespace saslift::proxy::fetch
