// Another configuration under the same desk: what stays good is kept, what is not is ended.
#include <algorithm>
#include <utility>

#include "auth/login_desk_state.h"

namespace saslift::auth {
namespace {

const config::Account* find(const config::Settings& settings, const std::string& account) {
  const auto found = settings.accounts.find(account);
  return found != settings.accounts.end() ? &found->second : nullptr;
}

// Whoever came in before would come in again.
bool still_admits(const config::Account* before, const config::Account* now) {
  return before != nullptr && now != nullptr && before->password_hash == now->password_hash &&
         std::ranges::equal(before->allow, now->allow,
                            [](const auto& one, const auto& other) { return one.text() == other.text(); });
}

}  // namespace

void LoginDesk::State::reload(const config::Settings& before, Instant now) {
  accounts = Accounts(*settings);
  decoys.reload(*settings);
  for (const LoginKey& next : slots.change_limits(slot_limits(*settings))) turns.push_back(next);
  trust = trust_files(*settings);
  tokens.reload(before);
  refresh_tokens.reload({.instant = now, .wall = wall});
  end_sessions(
      [&](const LoggedInSession& session) {
        return !still_admits(find(before, session.account), find(*settings, session.account));
      },
      "account_changed");
  for (auto next = open.begin(); next != open.end();) find_again((next++)->second, before, now);
  gather_all(now, [](const OpenLogin&) { return true; });
}

// The login on the way has found its account in what is gone by now.
void LoginDesk::State::find_again(OpenLogin& login, const config::Settings& before, Instant now) {
  if (login.account == nullptr) return;
  const std::string account = login.account->name;
  const std::string identity = login.identity != nullptr ? login.identity->name : "";
  const std::string mailbox = login.mailbox;
  login.account = nullptr;
  login.identity = nullptr;
  login.endpoint = nullptr;
  // Why it is doomed was said before.
  static_cast<void>(login.mechanism == ClientMechanism::trusted_address ? find_trusted(login) : find_account(login));
  const bool same = still_admits(find(before, account), find(*settings, account)) && login.account != nullptr &&
                    login.account->name == account && login.mailbox == mailbox &&
                    (login.identity != nullptr ? login.identity->name : "") == identity;
  const bool waits_for_endpoint =
      std::holds_alternative<AwaitingSlot>(login.phase) || std::holds_alternative<Gathering>(login.phase);
  if (same && (login.endpoint != nullptr || !waits_for_endpoint)) return;
  if (std::holds_alternative<TryingServer>(login.phase)) {
    actions.emplace_back(EndWorkerSession{.worker = login.key.worker,
                                          .order = {.session = login.key.session, .reason = "account_changed"}});
  }
  refuse(login, LoginFailure::shutting_down, plain_note("its account was changed by a reload"), now);
}

void LoginDesk::State::end_sessions(const std::function<bool(const LoggedInSession&)>& concerned,
                                    std::string_view reason) {
  for (const auto& [key, session] : sessions) {
    if (!concerned(session)) continue;
    actions.emplace_back(
        EndWorkerSession{.worker = key.worker, .order = {.session = key.session, .reason = std::string(reason)}});
  }
}

std::size_t sessions_ended_by(const DeskActions& actions) {
  return static_cast<std::size_t>(std::ranges::count_if(
      actions, [](const auto& action) { return std::holds_alternative<EndWorkerSession>(action); }));
}

DeskActions LoginDesk::reload(const config::Settings& before, Instant now) {
  state_->reload(before, now);
  return state_->take_actions(now);
}

DeskActions LoginDesk::kick(std::string_view account) {
  state_->end_sessions([&](const LoggedInSession& session) { return session.account == account; }, "kicked");
  return std::exchange(state_->actions, {});  // nothing else comes of it
}

}  // namespace saslift::auth
