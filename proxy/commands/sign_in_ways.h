// The ways in which a person signs in: at another device with a code, with a browser here, or with one elsewhere
// whose last address is pasted. Each blocks until that has ended.
#pragma once

#include <cstdio>
#include <optional>

#include "auth/grants/grant.h"
#include "config/settings.h"
#include "proxy/sign_in/redirect_listener.h"
#include "proxy/sign_in/redirect_uri.h"

namespace saslift::proxy::commands {

struct SignInAttempt {
  const config::Identity& identity;
  const config::Service& service;
  std::FILE* prompts;  // where the person reads
};

struct SignInResult {
  auth::TokenOutcome token;
  std::optional<sign_in::RedirectListener> browser;  // waits for a page that says how it went
};

[[nodiscard]] SignInResult sign_in_by_device(const SignInAttempt& attempt);
[[nodiscard]] SignInResult sign_in_by_browser(const SignInAttempt& attempt, const sign_in::LoopbackUri& redirect_uri);
[[nodiscard]] SignInResult sign_in_by_pasting(const SignInAttempt& attempt);

}  // namespace saslift::proxy::commands
