#include "auth/token_keeper.h"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/fingerprint.h"
#include "auth/grants/withhold.h"

namespace saslift::auth {
namespace {

using namespace std::chrono_literals;

constexpr Duration furthest_ahead = 600s;
constexpr Duration shortest_served = 30s;
constexpr Duration longest_pause = 300s;
// Retry-After is the provider's word; an absurd one must not silence an identity for days.
constexpr Duration longest_retry_after = 3'600s;
constexpr Duration first_pause = 1s;
// Once the provider is back, whoever waits is served within 5 s.
constexpr Duration longest_pause_for_logins = 4s;
constexpr Duration pause_after_permanent = 60s;
constexpr Duration old_enough_to_doubt = 5min;
constexpr Duration between_fetches_after_refusals = 10min;
// An idle identity is tried again: soon while its fetch is under way or waits for a pause, a day after a refusal
// that no sign-in cures.
constexpr Duration between_looks_at_idle = 60s;
constexpr Duration between_tries_after_refusal = 24h;
constexpr std::size_t most_doors = 4096;

// Errors of a refresh token that only a person can cure.
constexpr std::array<std::string_view, 5> cured_by_sign_in = {"invalid_grant", "interaction_required", "login_required",
                                                              "consent_required", "foreign_user"};

constexpr std::string_view stolen_or_interrupted =
    "it was refused at its first use since the start: if saslift was killed between a reply of the provider and the "
    "disk, the provider takes this older token for a stolen one, and a new sign-in is all that helps";

TokenError own_error(TokenErrorKind kind, std::string name, std::string description) {
  TokenError error;
  error.kind = kind;
  error.error = std::move(name);
  error.description = std::move(description);
  return error;
}

}  // namespace

Instant TokenKeeper::Held::refresh_at() const { return ends() - std::min(furthest_ahead, life / 4); }

TokenKeeper::TokenKeeper(const config::Settings& settings, RefreshTokens& refresh_tokens, std::uint64_t seed)
    : settings_(&settings), refresh_tokens_(&refresh_tokens), random_(seed) {}

TokenAnswer TokenKeeper::ask(const TokenWish& wish, Instant now) {
  State& state = states_[wish.key];
  if (state.held && state.held->ends() <= now) state.held.reset();
  if (!state.held || state.held->id <= wish.newer_than) return wait_for_fetch(wish, state, now);

  const TokenInHand in_hand{.id = state.held->id, .ends = state.held->ends()};
  state.held->used = true;
  if (now < state.held->refresh_at()) return in_hand;
  const bool pausing = !state.busy() && now < state.not_before;
  const bool long_enough = in_hand.ends - now >= shortest_served;
  if (long_enough && (pausing || now >= wish.until)) return in_hand;
  return wait_for_fetch(wish, state, now);
}

TokenAnswer TokenKeeper::wait_for_fetch(const TokenWish& wish, State& state, Instant now) {
  const TokenError timeout = own_error(TokenErrorKind::temporary, "timeout", "");
  if (state.busy()) {
    if (now < wish.until) return TokenPending{};
    return TokenDenied{.failure = LoginFailure::token_unavailable, .error = timeout};
  }
  if (lives_on_refresh_token(wish.key) && refresh_tokens_->find(wish.key.identity) == nullptr) {
    return TokenDenied{
        .failure = LoginFailure::sign_in_needed,
        .error = own_error(TokenErrorKind::permanent, "sign_in_needed", refresh_tokens_->why_none(wish.key.identity))};
  }
  if (now >= state.demanded_from) {
    start_fetch(wish.key, state, now);
    return TokenPending{};
  }
  TokenDenied denied{.failure = LoginFailure::token_unavailable, .error = state.last_error.value_or(timeout)};
  denied.failure = failure_of(wish.key, denied.error);
  if (denied.failure != LoginFailure::token_unavailable || state.demanded_from >= wish.until) return denied;
  state.wanted_until = std::max(state.wanted_until.value_or(wish.until), wish.until);
  return TokenPending{};
}

config::Secret TokenKeeper::copy_of_token(const TokenKey& key) const {
  const State* state = find(key);
  return state != nullptr && state->held ? state->held->access_token.copy() : config::Secret();
}

void TokenKeeper::logged_in_with(const TokenUse& use) {
  State& state = states_[use.key];
  if (!state.held || state.held->id != use.id || state.held->proven_at.size() >= most_doors) return;
  state.held->proven_at.insert(use.door);
}

bool TokenKeeper::may_ask_newer(const RefusedToken& refused, Instant now) {
  State& state = states_[refused.use.key];
  if (state.held && state.held->ends() <= now) state.held.reset();
  if (!state.held || state.held->id != refused.use.id) return true;
  const bool doubtful = is_doubtful(*state.held, refused, now);
  if (state.busy()) return doubtful || state.held->proven_at.empty();
  if (!doubtful) return false;
  const bool rested =
      !state.last_fetch_after_refusal || now - *state.last_fetch_after_refusal >= between_fetches_after_refusals;
  if (!rested) return false;
  if (now < state.demanded_from) return true;
  state.last_fetch_after_refusal = now;
  start_fetch(refused.use.key, state, now);
  return true;
}

// A token that others get in with is refused where one mailbox lacks a right, which must not cost the endpoint a
// request each time; or where the provider has ended it early. The second shows in the JSON, or at a door that it
// has opened before. Until a newer one comes, the others keep theirs.
bool TokenKeeper::is_doubtful(const Held& held, const RefusedToken& refused, Instant now) const {
  const bool called_stale = refused.json_status == 400 || refused.json_status == 401;
  if (held.proven_at.empty()) return called_stale || now - held.asked_for > old_enough_to_doubt;
  return called_stale || held.proven_at.contains(refused.use.door);
}

std::optional<FetchReport> TokenKeeper::fetched(const TokenKey& key, TokenOutcome outcome, Now now) {
  State& state = states_[key];
  if (!state.fetching_since) return std::nullopt;
  const Instant asked_for = *std::exchange(state.fetching_since, std::nullopt);
  if (std::exchange(state.outdated, false))  // the reply to a refresh token that was replaced meanwhile
    return FetchReport{.took = now.instant - asked_for,
                       .outdated = true,
                       .life_left = {},
                       .fingerprint = {},
                       .error = {},
                       .suspicion = {}};
  const bool delegated = lives_on_refresh_token(key);
  if (outcome && delegated) {
    if (std::string refusal = refresh_tokens_->refusal_of({.identity = key.identity, .user = outcome->user});
        !refusal.empty())
      outcome = std::unexpected(own_error(TokenErrorKind::permanent, "foreign_user", std::move(refusal)));
  }
  if (!outcome) {
    FetchReport report = failed(key, state, std::move(outcome.error()), now.instant);
    report.took = now.instant - asked_for;
    return report;
  }
  state.failures = 0;
  state.not_before = state.demanded_from = now.instant;
  state.last_error.reset();
  state.wanted_until.reset();
  Held held{.id = ++last_id_,
            .access_token = config::Secret::guarded(outcome->access_token.reveal()),
            .asked_for = asked_for,
            .life = outcome->life,
            .used = false,
            .proven_at = {}};
  FetchReport report;
  report.took = now.instant - asked_for;
  report.life_left = held.ends() - now.instant;
  report.fingerprint = fingerprint_of(held.access_token);
  const RefreshTokens::Change change =
      delegated ? refresh_tokens_->refreshed(key.identity, outcome->refresh_token, outcome->user, now) : 0;
  if (refresh_tokens_->settled(change)) {
    state.held = std::move(held);
  } else {
    state.parked = Parked{.held = std::move(held), .until_settled = change};
  }
  return report;
}

FetchReport TokenKeeper::failed(const TokenKey& key, State& state, TokenError error, Instant now) {
  withhold_secrets(key, error);
  FetchReport report;
  report.pause = pause_after(error, ++state.failures);
  state.not_before = state.demanded_from = now + report.pause;
  if (error.kind == TokenErrorKind::temporary && !error.retry_after)
    state.demanded_from = now + std::min(report.pause, longest_pause_for_logins);
  if (lives_on_refresh_token(key)) {
    const bool over = failure_of(key, error) == LoginFailure::sign_in_needed;
    if (over && error.error == "invalid_grant" && refresh_tokens_->untried(key.identity))
      report.suspicion = stolen_or_interrupted;
    if (over) refresh_tokens_->refused(key.identity);
    const bool permanent = error.kind == TokenErrorKind::permanent;
    refresh_tokens_->put_off(key.identity, permanent ? now + between_tries_after_refusal : state.not_before);
  }
  report.error = error;
  state.last_error = std::move(error);
  return report;
}

std::vector<TokenKey> TokenKeeper::take_fetches() { return std::exchange(fetches_, {}); }

std::vector<TokenKey> TokenKeeper::settle() {
  std::vector<TokenKey> keys;
  for (auto& [key, state] : states_) {
    if (!state.parked || !refresh_tokens_->settled(state.parked->until_settled)) continue;
    state.held = std::move(std::exchange(state.parked, std::nullopt)->held);
    keys.push_back(key);
  }
  return keys;
}

void TokenKeeper::signed_in(std::string_view identity) {
  State& state = states_[TokenKey{.identity = std::string(identity), .subject = {}}];
  const std::optional<Instant> fetching_since = state.fetching_since;
  state = State{};
  state.fetching_since = fetching_since;
  state.outdated = fetching_since.has_value();
}

void TokenKeeper::tick(Instant now) {
  keep_alive(now);
  for (auto next = states_.begin(); next != states_.end();) {
    const auto current = next++;
    const TokenKey& key = current->first;
    State& state = current->second;
    if (state.held && state.held->ends() <= now) state.held.reset();
    if (state.wanted_until && *state.wanted_until < now) state.wanted_until.reset();
    if (state.busy()) continue;
    const bool refresh = state.held && state.held->used && now >= std::max(state.held->refresh_at(), state.not_before);
    const bool wanted = state.wanted_until && now >= state.demanded_from;
    if (refresh || wanted) {
      start_fetch(key, state, now);
    } else if (!state.held && !key.subject.empty() && now >= state.not_before) {
      states_.erase(current);  // a mailbox of many that nobody asks for
    }
  }
}

void TokenKeeper::keep_alive(Instant now) {
  for (const std::string& identity : refresh_tokens_->idle(now)) {
    const TokenKey key{.identity = identity, .subject = {}};
    State& state = states_[key];
    refresh_tokens_->put_off(identity, std::max(now + between_looks_at_idle, state.not_before));
    if (!state.busy() && now >= state.not_before) start_fetch(key, state, now);
  }
}

std::optional<Instant> TokenKeeper::wake_at() const {
  std::optional<Instant> wake = refresh_tokens_->next_idle();
  const auto consider = [&](Instant at) { wake = wake ? std::min(*wake, at) : at; };
  for (const auto& [key, state] : states_) {
    if (state.busy()) continue;
    if (state.wanted_until) consider(state.demanded_from);
    if (state.held && state.held->used) consider(std::max(state.held->refresh_at(), state.not_before));
  }
  return wake;
}

std::optional<Duration> TokenKeeper::life_left(const TokenKey& key, Instant now) const {
  const State* state = find(key);
  if (state == nullptr || !state->held || state->held->ends() <= now) return std::nullopt;
  return state->held->ends() - now;
}

const std::optional<TokenError>& TokenKeeper::last_error(const TokenKey& key) const {
  static const std::optional<TokenError> none;
  const State* state = find(key);
  return state != nullptr ? state->last_error : none;
}

bool TokenKeeper::may_fetch(const TokenKey& key, Instant now) const {
  const State* state = find(key);
  return state == nullptr || now >= state->not_before;
}

std::string TokenKeeper::sign_in_needed(const TokenKey& key) const {
  if (!lives_on_refresh_token(key)) return {};
  if (refresh_tokens_->find(key.identity) == nullptr) return refresh_tokens_->why_none(key.identity);
  const std::optional<TokenError>& error = last_error(key);
  if (!error || failure_of(key, *error) != LoginFailure::sign_in_needed) return {};
  return error->description.empty() ? error->error : error->error + ": " + error->description;
}

bool TokenKeeper::refresh_under_way() const {
  return std::ranges::any_of(states_, [this](const auto& entry) {
    return entry.second.parked || (entry.second.fetching_since && lives_on_refresh_token(entry.first));
  });
}

const TokenKeeper::State* TokenKeeper::find(const TokenKey& key) const {
  const auto found = states_.find(key);
  return found != states_.end() ? &found->second : nullptr;
}

void TokenKeeper::start_fetch(const TokenKey& key, State& state, Instant now) {
  state.wanted_until.reset();
  if (lives_on_refresh_token(key) && refresh_tokens_->find(key.identity) == nullptr) {
    state.not_before = state.demanded_from = now + pause_after_permanent;  // the configuration has changed under it
    return;
  }
  state.fetching_since = now;
  fetches_.push_back(key);
}

const config::Identity* TokenKeeper::identity_of(const TokenKey& key) const {
  const auto found = settings_->identities.find(key.identity);
  return found != settings_->identities.end() ? &found->second : nullptr;
}

bool TokenKeeper::lives_on_refresh_token(const TokenKey& key) const {
  const config::Identity* identity = identity_of(key);
  return identity != nullptr && config::lives_on_refresh_token(identity->grant);
}

LoginFailure TokenKeeper::failure_of(const TokenKey& key, const TokenError& error) const {
  if (error.kind != TokenErrorKind::permanent) return LoginFailure::token_unavailable;
  const bool by_sign_in =
      lives_on_refresh_token(key) && std::ranges::find(cured_by_sign_in, error.error) != cured_by_sign_in.end();
  return by_sign_in ? LoginFailure::sign_in_needed : LoginFailure::identity_refused;
}

Duration TokenKeeper::pause_after(const TokenError& error, unsigned failures) {
  Duration pause = pause_after_permanent + jitter(pause_after_permanent / 4);
  if (error.kind == TokenErrorKind::temporary) {
    const Duration most = std::min(first_pause * (1 << std::min(failures - 1, 10U)), longest_pause);
    pause = most / 2 + jitter(most / 2);
  }
  if (error.retry_after) {
    const Duration asked = std::clamp(*error.retry_after, Duration(0), longest_retry_after);
    pause = std::max(pause, asked + jitter(asked / 10));
  }
  return pause;
}

Duration TokenKeeper::jitter(Duration most) {
  return Duration(static_cast<Duration::rep>(random_() % (static_cast<std::uint64_t>(most.count()) + 1)));
}

void TokenKeeper::withhold_secrets(const TokenKey& key, TokenError& error) const {
  if (const config::Identity* identity = identity_of(key))
    auth::withhold_secrets(*identity, refresh_tokens_->find(key.identity), error);
}

}  // namespace saslift::auth
