#include <algorithm>
#include <utility>

#include "auth/login_desk_state.h"

namespace saslift::auth {
namespace {

constexpr Duration longest_slot_wait{15'000};

}  // namespace

Guesses::Attempt LoginDesk::State::attempt_of(const OpenLogin& login) {
  return {.client_address = login.client_address, .login = login.folded_login, .account = login.guessed_account};
}

// The worker has said what the client's address is, which only it can know; that the address is trusted, and with
// which account, is the keeper's to say.
std::string LoginDesk::State::find_trusted(OpenLogin& login) const {
  if (login.protocol != config::Protocol::smtp) return "only SMTP is possible without a login";
  login.account = accounts.trusting(login.client_address);
  if (login.account == nullptr) return "no account trusts the client's address";
  login.mailbox = login.account->mailbox;
  login.upn = login.account->upn;
  return find_identity(login);
}

void LoginDesk::State::password_was_right(OpenLogin& login, Instant now) {
  const Instant until = login.asked_at + guesses.delay_of_right(attempt_of(login), now);
  if (until <= now) {
    guesses.right(attempt_of(login), now);
    return admit(login, now);
  }
  login.phase = HeldBack{.until = std::min(until, login.deadline)};
}

// A wrong password takes no slot and no token, and reaches nobody outside (FAULTS 28).
void LoginDesk::State::password_was_wrong(OpenLogin& login, const PasswordMemo::Digest& password, std::string detail,
                                          Instant now) {
  const Guesses::Wrong verdict = guesses.wrong(attempt_of(login), password, now);
  const RefusalNote note = plain_note(std::move(detail));
  answer_no(login, LoginFailure::bad_credentials, note, verdict.delay);
  if (verdict.worth_line) {
    LogEvent event = login_refused(login, LoginFailure::bad_credentials, note, now - login.asked_at);
    if (verdict.repeated > 0) event.fields.emplace_back("same_password_again", std::int64_t{verdict.repeated});
    actions.emplace_back(std::move(event));
  }
  forget(login);
}

void LoginDesk::State::take_slot(OpenLogin& login, Instant now) {
  const SlotPool pool{
      .provider = login.identity->provider.name,
      .mailbox = folded(login.door().mailbox),
      .kind = login.protocol == config::Protocol::smtp ? SlotKind::submission : SlotKind::reading,
  };
  if (slots.ask(login.key, pool) == Slots::Place::taken) return slot_came(login, now);
  login.phase = AwaitingSlot{.until = std::min(now + longest_slot_wait, login.deadline)};
}

void LoginDesk::State::forget(const OpenLogin& login) {
  const LoginKey key = login.key;
  if (const auto* checking = std::get_if<CheckingPassword>(&login.phase);
      checking != nullptr && hashes.erase(checking->hash) > 0) {
    actions.emplace_back(CancelHash{checking->hash});
  }
  open.erase(key);
  leave_slot(key);
}

void LoginDesk::State::leave_slot(const LoginKey& key) {
  if (const auto next = slots.leave(key)) turns.push_back(*next);
}

void LoginDesk::State::run_turns(Instant now) {
  // One that is refused at once, for want of a token, passes its slot on.
  while (!turns.empty()) {
    for (const LoginKey& key : std::exchange(turns, {})) {
      const auto found = open.find(key);
      const bool waits = found != open.end() && std::holds_alternative<AwaitingSlot>(found->second.phase);
      if (waits) slot_came(found->second, now);
    }
  }
}

void LoginDesk::State::turned_away(const ClientsTurnedAway& report, Instant now) {
  if (auto line = turned_away_clients.report(report, now)) actions.emplace_back(*std::move(line));
}

}  // namespace saslift::auth
