// One exchange with a token endpoint for a command that has nothing else to do: in a fetch process, as the keeper's
// own. Blocks, at most 10 s.
#pragma once

#include "auth/grants/grant.h"

namespace saslift::proxy::keeper {

[[nodiscard]] auth::FetchOutcome exchange_once(auth::TokenRequest request);

}  // namespace saslift::proxy::keeper
