#include "auth/login_desk.h"

#include <sodium.h>

#include <algorithm>
#include <type_traits>

#include "auth/login_desk_state.h"

namespace saslift::auth {
namespace {

// The worker needs this long to tell the client.
constexpr Duration margin_for_worker{1'000};
constexpr std::size_t most_open_logins = 4'096;

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  randombytes_buf(&seed, sizeof seed);
  return seed;
}

}  // namespace

LoginDesk::State::State(const config::Settings& configured, std::uint64_t seed)
    : settings(&configured),
      accounts(configured),
      decoys(configured),
      refresh_tokens(configured),
      tokens(configured, refresh_tokens, seed),
      slots(slot_limits(configured)),
      trust(trust_files(configured)) {}

void LoginDesk::State::question(WorkerId worker, LoginQuestion asked, Instant now) {
  const LoginKey key{.worker = worker, .session = asked.session};
  OpenLogin made;
  made.key = key;
  made.protocol = asked.protocol;
  made.mechanism = asked.mechanism;
  made.tls = asked.tls;
  made.client_address = std::move(asked.client_address);
  made.login = std::move(asked.login);
  made.folded_login = folded(made.login);
  made.authzid = std::move(asked.authzid);
  made.asked_at = now;
  made.deadline = now + std::max(settings->service.login_timeout - margin_for_worker, margin_for_worker);
  sessions.erase(key);
  if (const auto before = open.find(key); before != open.end()) forget(before->second);
  leave_slot(key);
  if (open.size() >= most_open_logins)
    return refuse(made, LoginFailure::overloaded, plain_note("too many open logins"), now);
  OpenLogin& login = open.emplace(key, std::move(made)).first->second;
  if (login.mechanism == ClientMechanism::trusted_address) {
    if (std::string flaw = find_trusted(login); !flaw.empty())
      return refuse(login, LoginFailure::not_permitted, plain_note(std::move(flaw)), now);
    return admit(login, now);
  }
  std::string doom = find_account(login);
  check_password(login, std::move(asked.password), std::move(doom), now);
}

void LoginDesk::State::hashed(HashId id, HashOutcome outcome, Instant now) {
  const auto running = hashes.find(id);
  if (running == hashes.end()) return;
  RunningHash hash = std::move(running->second);
  hashes.erase(running);
  if (outcome == HashOutcome::matches && hash.doom.empty()) memo.remember(hash.digest);
  const auto found = open.find(hash.login);
  if (found == open.end()) return;
  OpenLogin& login = found->second;
  const auto* checking = std::get_if<CheckingPassword>(&login.phase);
  if (checking == nullptr || checking->hash != id) return;

  // A doomed login costs both hashes even if its first one matches: time does not tell that it does.
  const bool goes_on = outcome == HashOutcome::differs || (outcome == HashOutcome::matches && !hash.doom.empty());
  if (goes_on && check_other_encoding(login, hash)) return;
  if (outcome == HashOutcome::overloaded)
    return refuse(login, LoginFailure::overloaded, plain_note("the password could not be checked"), now);
  if (!hash.doom.empty()) return password_was_wrong(login, hash.digest, hash.doom, now);
  if (outcome == HashOutcome::differs) return password_was_wrong(login, hash.digest, "wrong password", now);
  password_was_right(login, now);
}

void LoginDesk::State::fetched(const TokenKey& key, FetchOutcome outcome, Instant now) {
  if (auto event = clock_differs(key, outcome)) actions.emplace_back(*std::move(event));
  const auto report = tokens.fetched(key, read_reply(std::move(outcome)), {.instant = now, .wall = wall});
  if (!report) return;
  if (!report->outdated) actions.emplace_back(token_fetch_ended(key, *report));
  gather_all(now, [&](const OpenLogin& login) { return login.token_key() == key; });
}

void LoginDesk::State::resolved(const std::string& host, ResolveOutcome outcome, Instant now) {
  if (outcome && !outcome->empty()) {
    hosts.found(host, std::move(*outcome), now);
  } else {
    const std::string detail = outcome ? "the name has no address" : outcome.error().detail;
    hosts.failed(host, HostUnknown{"looking up " + host + ": " + detail}, now);
    actions.emplace_back(host_lookup_failed(host, detail));
  }
  gather_all(now, [&](const OpenLogin& login) { return login.endpoint->host == host; });
}

void LoginDesk::State::gather_all(Instant now, const std::function<bool(const OpenLogin&)>& concerns) {
  for (auto next = open.begin(); next != open.end();) {
    OpenLogin& login = (next++)->second;  // gather() may end it
    if (std::holds_alternative<Gathering>(login.phase) && concerns(login)) gather(login, now);
  }
}

void LoginDesk::State::tick(Instant now) {
  tokens.tick(now);
  refresh_tokens.tick(now);
  settle(now);
  watch_expiries(now);
  for (auto next = open.begin(); next != open.end();) {
    OpenLogin& login = (next++)->second;
    if (const auto* gathering = std::get_if<Gathering>(&login.phase)) {
      if (gathering->wake <= now) gather(login, now);
    } else if (const auto* held = std::get_if<HeldBack>(&login.phase)) {
      if (held->until > now) continue;
      guesses.right(attempt_of(login), now);
      admit(login, now);
    } else if (const auto* waiting = std::get_if<AwaitingSlot>(&login.phase)) {
      if (waiting->until > now) continue;
      refuse(login, LoginFailure::limit_reached, plain_note("all connections to the mailbox stayed in use"), now);
    } else if (std::holds_alternative<CheckingPassword>(login.phase) && login.deadline <= now) {
      refuse(login, LoginFailure::timeout, plain_note("the password was not checked in time"), now);
    }
  }
}

void LoginDesk::State::withdrawn(WorkerId worker, const Withdrawn& report) {
  const auto found = open.find({.worker = worker, .session = report.session});
  if (found == open.end()) return;
  actions.emplace_back(login_withdrawn(found->second));
  forget(found->second);
}

void LoginDesk::State::succeeded(WorkerId worker, const LoginSucceeded& report, Instant now) {
  const auto found = open.find({.worker = worker, .session = report.session});
  if (found == open.end()) return;
  const OpenLogin& login = found->second;
  const auto* trying = std::get_if<TryingServer>(&login.phase);
  if (trying == nullptr) return;
  tokens.logged_in_with(login.token_use(trying->token_id));
  gate.forget_refusal(login.door());
  actions.emplace_back(login_succeeded(login, report, now));
  sessions.insert_or_assign(found->first, LoggedInSession{.account = login.account->name,
                                                          .login = login.login,
                                                          .identity = login.identity->name,
                                                          .mailbox = login.mailbox,
                                                          .has_upn = !login.upn.empty(),
                                                          .named = login.named});
  if (!login.upn.empty()) names.prefer(login.door(), login.named);
  ++logins_succeeded;
  open.erase(found);
}

void LoginDesk::State::died(WorkerId worker, const LoginDied& report) {
  const auto found = open.find({.worker = worker, .session = report.session});
  if (found == open.end()) return;
  LogEvent event = login_died(found->second, report);
  actions.emplace_back(std::move(event));
  ++logins_refused;
  forget(found->second);
}

void LoginDesk::State::ended(WorkerId worker, const SessionEnded& report) {
  const LoginKey key{.worker = worker, .session = report.session};
  if (const auto asking = open.find(key); asking != open.end()) {
    actions.emplace_back(login_withdrawn(asking->second));
    forget(asking->second);
  }
  leave_slot(key);
  const auto found = sessions.find(key);
  actions.emplace_back(session_ended(report, found != sessions.end() ? &found->second : nullptr));
  if (found != sessions.end()) sessions.erase(found);
}

void LoginDesk::State::said(WorkerId worker, const ServerSaid& report) {
  const auto session = sessions.find({.worker = worker, .session = report.session});
  actions.emplace_back(server_said(report, session != sessions.end() ? &session->second : nullptr));
  if (session == sessions.end() || !session->second.has_upn || !tells_unconnected(report.words)) return;
  // The login counts, so that no second answer is asked for; the next login takes the mailbox's other name.
  names.prefer({.identity = session->second.identity, .mailbox = session->second.mailbox, .protocol = report.protocol},
               other(session->second.named));
}

void LoginDesk::State::old_tls(const OldTlsClient& report) {
  ++old_tls_clients;
  actions.emplace_back(old_tls_client(report));
}

void LoginDesk::State::worker_gone(WorkerId worker) {
  for (auto next = open.lower_bound({.worker = worker, .session = 0});
       next != open.end() && next->first.worker == worker;) {
    forget((next++)->second);
  }
  for (auto next = sessions.lower_bound({.worker = worker, .session = 0});
       next != sessions.end() && next->first.worker == worker;) {
    actions.emplace_back(session_lost(next->first.session, next->second));
    leave_slot(next->first);
    next = sessions.erase(next);
  }
}

DeskActions LoginDesk::State::take_actions(Instant now) {
  run_turns(now);
  for (TokenKey& key : tokens.take_fetches()) {
    const TokenQuery query{.subject = key.subject, .refresh_token = refresh_tokens.find(key.identity), .now = wall};
    TokenRequest request = request_token(settings->identities.at(key.identity), settings->service, query);
    actions.emplace_back(FetchToken{.key = std::move(key), .request = std::move(request)});
  }
  if (auto save = refresh_tokens.take_save({.instant = now, .wall = wall})) actions.emplace_back(std::move(*save));
  for (std::string& host : hosts.take_lookups()) actions.emplace_back(ResolveHost{.host = std::move(host)});
  return std::exchange(actions, {});
}

LoginDesk::LoginDesk(const config::Settings& settings, std::optional<std::uint64_t> jitter_seed)
    : state_(std::make_unique<State>(settings, jitter_seed ? *jitter_seed : random_seed())) {}

LoginDesk::~LoginDesk() = default;

DeskActions LoginDesk::from_worker(WorkerId worker, FromWorker message, Instant now) {
  std::visit(
      [&](auto& told) {
        using Told = std::remove_reference_t<decltype(told)>;
        if constexpr (std::is_same_v<Told, LoginQuestion>) state_->question(worker, std::move(told), now);
        if constexpr (std::is_same_v<Told, TokenRefused>) state_->token_refused(worker, told, now);
        if constexpr (std::is_same_v<Told, Withdrawn>) state_->withdrawn(worker, told);
        if constexpr (std::is_same_v<Told, LoginSucceeded>) state_->succeeded(worker, told, now);
        if constexpr (std::is_same_v<Told, LoginDied>) state_->died(worker, told);
        if constexpr (std::is_same_v<Told, SessionEnded>) state_->ended(worker, told);
        if constexpr (std::is_same_v<Told, ServerSaid>) state_->said(worker, told);
        if constexpr (std::is_same_v<Told, ClientsTurnedAway>) state_->turned_away(told, now);
        if constexpr (std::is_same_v<Told, OldTlsClient>) state_->old_tls(told);
        if constexpr (std::is_same_v<Told, WorkerEvent>) state_->actions.emplace_back(worker_event(std::move(told)));
      },
      message);
  return state_->take_actions(now);
}

DeskActions LoginDesk::worker_gone(WorkerId worker, Instant now) {
  state_->worker_gone(worker);
  return state_->take_actions(now);
}

DeskActions LoginDesk::hashed(HashId id, HashOutcome outcome, Instant now) {
  state_->hashed(id, outcome, now);
  return state_->take_actions(now);
}

DeskActions LoginDesk::fetched(const TokenKey& key, FetchOutcome outcome, Instant now) {
  state_->fetched(key, std::move(outcome), now);
  return state_->take_actions(now);
}

DeskActions LoginDesk::resolved(const std::string& host, ResolveOutcome outcome, Instant now) {
  state_->resolved(host, std::move(outcome), now);
  return state_->take_actions(now);
}

DeskActions LoginDesk::state_opened(OpenedState opened, Instant now) {
  state_->state_opened(std::move(opened), now);
  return state_->take_actions(now);
}

DeskActions LoginDesk::saved(const SaveOutcome& outcome, Instant now) {
  state_->saved(outcome, now);
  return state_->take_actions(now);
}

DeskActions LoginDesk::sign_in(SignInId id, const SignIn& sign_in, Instant now) {
  state_->sign_in(id, sign_in, now);
  return state_->take_actions(now);
}

bool LoginDesk::may_end() const { return !state_->tokens.refresh_under_way() && !state_->refresh_tokens.saving(); }

void LoginDesk::wall_clock(WallTime wall) { state_->wall = wall; }

DeskActions LoginDesk::tick(Instant now) {
  state_->tick(now);
  return state_->take_actions(now);
}

std::optional<Instant> LoginDesk::wake_at() const {
  std::optional<Instant> wake = state_->tokens.wake_at();
  for (const auto& at : {state_->refresh_tokens.wake_at(), state_->next_look})
    if (at) wake = std::min(wake.value_or(*at), *at);
  for (const auto& [key, login] : state_->open) {
    if (std::holds_alternative<TryingServer>(login.phase)) continue;
    Instant at = login.deadline;
    if (const auto* gathering = std::get_if<Gathering>(&login.phase)) at = gathering->wake;
    if (const auto* held = std::get_if<HeldBack>(&login.phase)) at = held->until;
    if (const auto* waiting = std::get_if<AwaitingSlot>(&login.phase)) at = waiting->until;
    wake = wake ? std::min(*wake, at) : at;
  }
  return wake;
}

DeskStatus LoginDesk::status(Instant now) const {
  DeskStatus status;
  status.sessions = state_->sessions.size();
  status.open_questions =
      static_cast<std::uint64_t>(std::count_if(state_->open.begin(), state_->open.end(), [](const auto& entry) {
        return !std::holds_alternative<TryingServer>(entry.second.phase);
      }));
  status.logins_succeeded = state_->logins_succeeded;
  status.logins_refused = state_->logins_refused;
  status.large_logins = state_->large_logins;
  status.slots_in_use = state_->slots.in_use();
  status.slots_waiting = state_->slots.waiting();
  status.turned_away = state_->turned_away_clients.counts();
  status.old_tls_clients = state_->old_tls_clients;
  for (const auto& [name, identity] : state_->settings->identities) {
    IdentityStatus& one = status.identities.emplace_back();
    one.name = name;
    const TokenKey key{.identity = name, .subject = {}};
    one.token_life_left = state_->tokens.life_left(key, now);
    if (const auto& error = state_->tokens.last_error(key)) one.last_error = note_of(*error).detail;
    one.user = state_->refresh_tokens.user_of(name);
    one.sign_in_needed = state_->tokens.sign_in_needed(key);
    one.usable = one.token_life_left || (one.sign_in_needed.empty() && state_->tokens.may_fetch(key, now));
  }
  for (Expiry& expiry : expiries_of(*state_->settings, state_->refresh_tokens)) {
    const auto of_it = [&](const IdentityStatus& one) { return one.name == expiry.identity; };
    std::ranges::find_if(status.identities, of_it)->expiries.push_back(std::move(expiry));
  }
  status.state = state_->refresh_tokens.status();
  status.wall = state_->wall;
  return status;
}

std::vector<std::string> LoginDesk::trust_files(const config::Settings& settings) {
  std::vector<std::string> files{""};
  for (const auto& [name, identity] : settings.identities) {
    const std::string& file = identity.provider.ca_file;
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  return files;
}

}  // namespace saslift::auth
