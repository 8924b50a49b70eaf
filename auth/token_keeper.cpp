#include "auth/token_keeper.h"

#include <algorithm>
#include <utility>

#include "auth/grants/form.h"

namespace saslift::auth {
namespace {

using namespace std::chrono_literals;

constexpr Duration furthest_ahead = 600s;
constexpr Duration shortest_served = 30s;
constexpr Duration longest_pause = 300s;
// Retry-After is the provider's word; an absurd one must not silence an identity for days.
constexpr Duration longest_retry_after = 3'600s;
constexpr Duration first_pause = 1s;
constexpr Duration pause_after_permanent = 60s;
constexpr Duration old_enough_to_doubt = 5min;
constexpr Duration between_fetches_after_refusals = 10min;

}  // namespace

Instant TokenKeeper::Held::refresh_at() const { return ends() - std::min(furthest_ahead, life / 4); }

TokenKeeper::TokenKeeper(const config::Settings& settings, std::uint64_t seed) : settings_(&settings), random_(seed) {}

TokenAnswer TokenKeeper::ask(const TokenWish& wish, Instant now) {
  State& state = state_of(wish.identity);
  if (state.held && state.held->ends() <= now) state.held.reset();
  if (!state.held || state.held->id <= wish.newer_than) return wait_for_fetch(wish, state, now);

  const TokenInHand in_hand{.id = state.held->id, .ends = state.held->ends()};
  state.held->used = true;
  if (now < state.held->refresh_at()) return in_hand;
  const bool pausing = !state.fetching_since && now < state.not_before;
  const bool long_enough = in_hand.ends - now >= shortest_served;
  if (long_enough && (pausing || now >= wish.until)) return in_hand;
  return wait_for_fetch(wish, state, now);
}

TokenAnswer TokenKeeper::wait_for_fetch(const TokenWish& wish, State& state, Instant now) {
  TokenDenied denied{
      .failure = state.last_error && state.last_error->kind == TokenErrorKind::permanent
                     ? LoginFailure::identity_refused
                     : LoginFailure::token_unavailable,
      .error = state.last_error.value_or(TokenError{TokenErrorKind::temporary, "timeout", "", "", std::nullopt})};
  if (state.fetching_since) {
    if (now < wish.until) return TokenPending{};
    return TokenDenied{.failure = LoginFailure::token_unavailable,
                       .error = TokenError{TokenErrorKind::temporary, "timeout", "", "", std::nullopt}};
  }
  if (now >= state.not_before) {
    start_fetch(wish.identity, state, now);
    return TokenPending{};
  }
  if (denied.failure == LoginFailure::identity_refused || state.not_before >= wish.until) return denied;
  state.wanted_until = std::max(state.wanted_until.value_or(wish.until), wish.until);
  return TokenPending{};
}

config::Secret TokenKeeper::copy_of_token(std::string_view identity) const {
  const State* state = find(identity);
  return state != nullptr && state->held ? state->held->access_token.copy() : config::Secret();
}

void TokenKeeper::logged_in_with(std::string_view identity, std::uint64_t token_id) {
  State& state = state_of(identity);
  if (state.held && state.held->id == token_id) state.held->proven = true;
}

bool TokenKeeper::may_ask_newer(const RefusedToken& refused, Instant now) {
  State& state = state_of(refused.identity);
  if (state.held && state.held->ends() <= now) state.held.reset();
  if (!state.held || state.held->id != refused.id) return true;
  // One mailbox without a right must not cost the others their token, nor the endpoint a request each.
  if (state.held->proven) return false;
  if (state.fetching_since) return true;
  const bool doubtful =
      now - state.held->asked_for > old_enough_to_doubt || refused.json_status == 400 || refused.json_status == 401;
  const bool rested =
      !state.last_fetch_after_refusal || now - *state.last_fetch_after_refusal >= between_fetches_after_refusals;
  if (!doubtful || !rested) return false;
  if (now < state.not_before) return true;
  state.last_fetch_after_refusal = now;
  start_fetch(refused.identity, state, now);
  return true;
}

std::optional<FetchReport> TokenKeeper::fetched(std::string_view identity, TokenOutcome outcome, Instant now) {
  State& state = state_of(identity);
  if (!state.fetching_since) return std::nullopt;
  const Instant asked_for = *std::exchange(state.fetching_since, std::nullopt);
  FetchReport report;
  report.took = now - asked_for;
  if (!outcome) {
    withhold_secret(identity, outcome.error());
    report.pause = pause_after(outcome.error(), ++state.failures);
    state.not_before = now + report.pause;
    report.error = outcome.error();
    state.last_error = std::move(outcome.error());
    return report;
  }
  state.failures = 0;
  state.not_before = now;
  state.last_error.reset();
  state.wanted_until.reset();
  state.held = Held{.id = ++last_id_,
                    .access_token = config::Secret::guarded(outcome->access_token.reveal()),
                    .asked_for = asked_for,
                    .life = outcome->life,
                    .used = false,
                    .proven = false};
  report.life_left = state.held->ends() - now;
  return report;
}

std::vector<std::string> TokenKeeper::take_fetches() { return std::exchange(fetches_, {}); }

void TokenKeeper::tick(Instant now) {
  for (auto& [identity, state] : states_) {
    if (state.held && state.held->ends() <= now) state.held.reset();
    if (state.wanted_until && *state.wanted_until < now) state.wanted_until.reset();
    if (state.fetching_since || now < state.not_before) continue;
    const bool refresh = state.held && state.held->used && now >= state.held->refresh_at();
    if (refresh || state.wanted_until) start_fetch(identity, state, now);
  }
}

std::optional<Instant> TokenKeeper::wake_at() const {
  std::optional<Instant> wake;
  const auto consider = [&](Instant at) { wake = wake ? std::min(*wake, at) : at; };
  for (const auto& [identity, state] : states_) {
    if (state.fetching_since) continue;
    if (state.wanted_until) consider(state.not_before);
    if (state.held && state.held->used) consider(std::max(state.held->refresh_at(), state.not_before));
  }
  return wake;
}

std::optional<Duration> TokenKeeper::life_left(std::string_view identity, Instant now) const {
  const State* state = find(identity);
  if (state == nullptr || !state->held || state->held->ends() <= now) return std::nullopt;
  return state->held->ends() - now;
}

const std::optional<TokenError>& TokenKeeper::last_error(std::string_view identity) const {
  static const std::optional<TokenError> none;
  const State* state = find(identity);
  return state != nullptr ? state->last_error : none;
}

TokenKeeper::State& TokenKeeper::state_of(std::string_view identity) {
  const auto found = states_.find(identity);
  return found != states_.end() ? found->second : states_[std::string(identity)];
}

const TokenKeeper::State* TokenKeeper::find(std::string_view identity) const {
  const auto found = states_.find(identity);
  return found != states_.end() ? &found->second : nullptr;
}

void TokenKeeper::start_fetch(std::string_view identity, State& state, Instant now) {
  state.fetching_since = now;
  state.wanted_until.reset();
  fetches_.emplace_back(identity);
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

// A provider that echoes the request must not bring the client secret into the log.
void TokenKeeper::withhold_secret(std::string_view identity, TokenError& error) const {
  const auto found = settings_->identities.find(std::string(identity));
  if (found == settings_->identities.end() || found->second.client_secret.empty()) return;
  const config::Secret& secret = found->second.client_secret;
  const config::Secret encoded = url_encoded(secret.reveal());
  for (std::string* text : {&error.error, &error.description, &error.correlation_id})
    if (text->contains(secret.reveal()) || text->contains(encoded.reveal())) *text = "(withheld)";
}

}  // namespace saslift::auth
