// Refresh tokens and the disk: what the desk does so that none is lost.
#include <algorithm>

#include "auth/keeping_log.h"
#include "auth/login_desk_state.h"

namespace saslift::auth {
namespace {

constexpr Duration between_looks{3'600'000};

}  // namespace

void LoginDesk::State::state_opened(OpenedState opened, Instant now) {
  if (!opened.suspect.empty()) actions.emplace_back(state_suspect(opened.suspect));
  refresh_tokens.opened(std::move(opened), {.instant = now, .wall = wall});
  report_state();
}

void LoginDesk::State::saved(const SaveOutcome& outcome, Instant now) {
  refresh_tokens.saved(outcome, now);
  settle(now);
}

void LoginDesk::State::sign_in(SignInId id, const SignIn& sign_in, Instant now) {
  const auto change = refresh_tokens.sign_in(sign_in, {.instant = now, .wall = wall});
  actions.emplace_back(sign_in_taken(sign_in, change ? std::string() : change.error()));
  if (!change) {
    actions.emplace_back(AnswerSignIn{.id = id, .outcome = std::unexpected(change.error())});
    return;
  }
  tokens.signed_in(sign_in.identity);
  sign_ins.emplace(id, *change);
}

void LoginDesk::State::settle(Instant now) {
  report_state();
  std::erase_if(sign_ins, [&](const auto& waiting) {
    if (!refresh_tokens.settled(waiting.second)) return false;
    AnswerSignIn answer{.id = waiting.first, .outcome = {}};
    if (!refresh_tokens.on_disk(waiting.second)) {
      answer.outcome = std::unexpected("the sign-in is used, but could not be written and is lost when saslift ends: " +
                                       refresh_tokens.status().detail + "; writing is tried again");
    }
    actions.emplace_back(std::move(answer));
    return true;
  });
  const std::vector<TokenKey> keys = tokens.settle();
  if (keys.empty()) return;
  gather_all(now, [&](const OpenLogin& login) { return std::ranges::find(keys, login.token_key()) != keys.end(); });
}

// From the first tick on, every hour.
void LoginDesk::State::watch_expiries(Instant now) {
  if (next_look && now < *next_look) return;
  next_look = now + between_looks;
  for (LogEvent& event : expiry_watch.look(expiries_of(*settings, refresh_tokens), wall))
    actions.emplace_back(std::move(event));
}

void LoginDesk::State::report_state() {
  const StateStatus& status = refresh_tokens.status();
  if (const auto before = std::exchange(told_health, status.health); before != status.health)
    if (auto event = state_changed(before, status)) actions.emplace_back(std::move(*event));
}

}  // namespace saslift::auth
