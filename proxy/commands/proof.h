// What the commands that prove an identity share: an account, its token, and how a failure is told.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "auth/grants/grant.h"
#include "config/settings.h"

namespace saslift::proxy::commands {

// An account, and the mailbox that it stands for.
struct Subject {
  const config::Account& account;
  const config::Identity& identity;
  std::string mailbox;
};
// `mailbox` empty: the account's own. The error says what is wrong with the use of the command.
[[nodiscard]] std::expected<Subject, std::string> find_subject(const config::Settings& settings,
                                                               const std::string& account, std::string_view mailbox);

// The user that a login by this protocol names to the server.
[[nodiscard]] std::string upstream_user(const Subject& subject, config::Protocol protocol);
// The upn by which a login is tried once more where the server refuses that user; empty: it is not.
[[nodiscard]] std::string other_upstream_user(const Subject& subject, config::Protocol protocol);

[[nodiscard]] auth::TokenKey token_key(const Subject& subject);

// Cause and next step, a line each; empty: neither is known.
[[nodiscard]] std::string remedy_lines(const auth::TokenError& error);

}  // namespace saslift::proxy::commands
