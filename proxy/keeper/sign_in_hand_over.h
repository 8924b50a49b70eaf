// How a command has a sign-in kept: by the keeper that runs, or, where none does, by itself under the same lock.
// Blocks.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "auth/sign_in.h"
#include "config/settings.h"

namespace saslift::proxy::keeper {

enum class KeptBy : std::uint8_t { running_keeper, this_command };
// On disk when this returns; or why not, in words for the person who signed in.
[[nodiscard]] std::expected<KeptBy, std::string> hand_over(const config::Settings& settings,
                                                           const auth::SignIn& sign_in);

}  // namespace saslift::proxy::keeper
