// An access token for a command: asked for as the keeper would, and with a refresh token out of the sealed state
// only where no keeper runs, because a token that both use may be taken for stolen. Blocks.
#pragma once

#include "auth/grants/grant.h"
#include "config/settings.h"

namespace saslift::proxy::keeper {

[[nodiscard]] auth::TokenOutcome token_for_command(const config::Settings& settings, const auth::TokenKey& key);

}  // namespace saslift::proxy::keeper
