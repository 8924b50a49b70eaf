// An SMTP session whose messages carry the mailbox's address, whatever the device writes: between login and relay,
// for accounts with rewrite_from. Reads commands and messages where the relay alone would be blind.
#pragma once

#include <memory>

#include "auth/login.h"
#include "proxy/dialogue/stage.h"
#include "proxy/smtp/rewriting/header_rewriter.h"

namespace saslift::proxy::smtp::rewriting {

[[nodiscard]] std::unique_ptr<Stage> make_rewriter(Rewriting rewriting);

// For the account of this answer; nullptr: it wants its messages as they are.
[[nodiscard]] std::unique_ptr<Stage> make_stage(const auth::Granted& granted);

}  // namespace saslift::proxy::smtp::rewriting
