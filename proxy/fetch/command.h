// Runs the operator's program in place of a request. It prints the token alone, or a JSON object as a token
// endpoint's.
#pragma once

#include "auth/grants/grant.h"

namespace saslift::proxy::fetch {

// Takes over the environment of this process.
[[nodiscard]] auth::FetchOutcome run_command(const config::TokenCommand& command);

}  // namespace saslift::proxy::fetch
