#include "auth/keeping_log.h"

namespace saslift::auth {

LogEvent state_suspect(const std::string& reason) {
  return {config::LogLevel::warning,
          "state_suspect",
          {{"reason", reason},
           {"consequence", "the generation before it is used; a refresh token that came since then is lost"},
           {"remedy", "find out what changed the file; where a provider refuses the older token, sign in again"}}};
}

std::optional<LogEvent> state_changed(StateHealth before, const StateStatus& status) {
  switch (status.health) {
    case StateHealth::unused:
      return std::nullopt;
    case StateHealth::kept:
      if (before != StateHealth::degraded) return std::nullopt;
      return LogEvent{config::LogLevel::info, "state_saved_again", {}};
    case StateHealth::degraded:
      return LogEvent{
          config::LogLevel::error,
          "state_not_saved",
          {{"reason", status.detail},
           {"consequence", "new refresh tokens are in memory alone: do not stop saslift before this is over"},
           {"remedy", "make room on the disk, or make state_dir writable; writing is tried again"}}};
    case StateHealth::unreadable:
      return LogEvent{config::LogLevel::error,
                      "state_unreadable",
                      {{"reason", status.detail},
                       {"consequence",
                        "identities that live on a sign-in have none; others are served; the file is "
                        "not overwritten"},
                       {"remedy", "restore the file or its key and restart, or sign in again"}}};
  }
  return std::nullopt;
}

LogEvent sign_in_taken(const SignIn& sign_in, const std::string& refusal) {
  LogEvent event{.level = config::LogLevel::info, .event = "signed_in", .fields = {{"identity", sign_in.identity}}};
  if (!sign_in.user.empty()) event.fields.emplace_back("user", sign_in.user);
  if (refusal.empty()) return event;
  event.level = config::LogLevel::warning;
  event.event = "sign_in_refused";
  event.fields.emplace_back("reason", refusal);
  return event;
}

}  // namespace saslift::auth
