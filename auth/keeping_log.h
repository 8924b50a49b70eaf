// The log's lines about sign-ins and the state on disk.
#pragma once

#include <optional>
#include <string>

#include "auth/log_event.h"
#include "auth/refresh_tokens.h"
#include "auth/sign_in.h"

namespace saslift::auth {

[[nodiscard]] LogEvent state_suspect(const std::string& reason);
// nullopt: not worth a line.
[[nodiscard]] std::optional<LogEvent> state_changed(StateHealth before, const StateStatus& status);
// `refusal` empty: it is kept.
[[nodiscard]] LogEvent sign_in_taken(const SignIn& sign_in, const std::string& refusal);

}  // namespace saslift::auth
