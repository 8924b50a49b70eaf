#include "proxy/keeper/token_for_command.h"

#include <utility>

#include "auth/refresh_tokens.h"
#include "proxy/keeper/one_exchange.h"
#include "proxy/keeper/state_file.h"

namespace saslift::proxy::keeper {
namespace {

std::unexpected<auth::TokenError> failed(std::string error, std::string description) {
  auth::TokenError made;
  made.kind = auth::TokenErrorKind::permanent;
  made.error = std::move(error);
  made.description = std::move(description);
  return std::unexpected(std::move(made));
}

auth::TokenOutcome ask(const config::Settings& settings, const config::Identity& identity,
                       const auth::TokenQuery& query) {
  return auth::read_reply(exchange_once(auth::request_token(identity, settings.service, query)));
}

// The new refresh token is on disk before the access token is used.
auth::TokenOutcome refreshed(const config::Settings& settings, const config::Identity& identity) {
  StateFile file(settings.service.state_dir);
  if (const auto locked = file.lock(); !locked) {
    return failed(locked.error().kind == LockFailure::in_use ? "saslift_runs" : "no_state", locked.error().detail);
  }
  const auto now = [] { return auth::Now{auth::BootClock::now(), std::chrono::system_clock::now()}; };
  auth::RefreshTokens tokens(settings);
  tokens.opened(file.open(settings.service.state_key), now());
  const config::Secret* refresh_token = tokens.find(identity.name);
  if (refresh_token == nullptr) return failed("sign_in_needed", tokens.why_none(identity.name));
  auth::TokenOutcome outcome =
      ask(settings, identity, {.subject = {}, .refresh_token = refresh_token, .now = std::chrono::system_clock::now()});
  if (!outcome) return outcome;
  if (std::string refusal = tokens.refusal_of({.identity = identity.name, .user = outcome->user}); !refusal.empty()) {
    return failed("foreign_user", std::move(refusal));
  }
  static_cast<void>(tokens.refreshed(identity.name, outcome->refresh_token, outcome->user, now()));
  if (const auto order = tokens.take_save(now())) {
    if (auto saved = file.save(order->sealed); !saved) return failed("not_kept", std::move(saved.error()));
  }
  return outcome;
}

}  // namespace

auth::TokenOutcome token_for_command(const config::Settings& settings, const auth::TokenKey& key) {
  const config::Identity& identity = settings.identities.at(key.identity);
  if (config::lives_on_refresh_token(identity.grant)) return refreshed(settings, identity);
  return ask(settings, identity,
             {.subject = key.subject, .refresh_token = nullptr, .now = std::chrono::system_clock::now()});
}

}  // namespace saslift::proxy::keeper
