#include "auth/refresh_tokens.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "auth/accounts.h"

namespace saslift::auth {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds longest_idle = 7 * 24h;
constexpr std::chrono::seconds between_date_saves = 24h;
// Many identities that are due at once are refreshed one after another.
constexpr std::uint64_t spread_seconds = 600;
constexpr Duration patience_with_disk = 5s;
constexpr Duration first_retry = 5s;
constexpr Duration longest_retry = 5min;

std::int64_t seconds_of(WallTime wall) {
  return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
}

std::chrono::seconds spread_of(const std::string& identity) {
  return std::chrono::seconds(std::hash<std::string>{}(identity) % spread_seconds);
}

bool same_user(std::string_view one, std::string_view other) { return folded(one) == folded(other); }

}  // namespace

std::string_view name_of(StateHealth health) {
  switch (health) {
    case StateHealth::unused:
      return "unused";
    case StateHealth::kept:
      return "kept";
    case StateHealth::degraded:
      return "degraded";
    case StateHealth::unreadable:
      return "unreadable";
  }
  return "unknown";
}

void RefreshTokens::opened(OpenedState opened, Now now) {
  key_ = std::move(opened.key);
  generation_ = opened.kept.generation;
  unreadable_ = std::move(opened.unreadable);
  status_ = unreadable_.empty() ? StateStatus{StateHealth::kept, std::move(opened.suspect)}
                                : StateStatus{StateHealth::unreadable, unreadable_};
  for (KeptGrant& grant : opened.kept.grants) {
    // A wall clock that was set back since must not put this off for years.
    const std::int64_t idle = std::max<std::int64_t>(0, seconds_of(now.wall) - grant.refreshed_at);
    const std::chrono::seconds left =
        std::max(longest_idle - std::chrono::seconds(std::min(idle, longest_idle.count())), spread_of(grant.identity));
    const std::string identity = grant.identity;
    Entry& entry = entries_[identity];
    entry.date_on_disk = grant.refreshed_at;
    entry.grant = std::move(grant);
    entry.idle_at = now.instant + left;
  }
  // The configured tokens may be older than those in a state that does not open.
  if (unreadable_.empty()) plant_seeds(now);
  find_next_idle();
}

void RefreshTokens::reload(Now now) {
  if (key_ && unreadable_.empty()) plant_seeds(now);
  find_next_idle();
}

void RefreshTokens::plant_seeds(Now now) {
  for (const auto& [name, identity] : settings_->identities) {
    if (identity.grant != config::Grant::refresh_token || identity.refresh_token.empty()) continue;
    const std::string seed = seed_of(identity.refresh_token);
    const Entry* kept = usable(name);
    if (kept != nullptr && kept->grant.seed == seed) continue;
    Entry& entry = entries_[name];
    entry = Entry{};
    entry.grant.identity = name;
    entry.grant.granted_for = granted_for(identity);
    entry.grant.refresh_token = config::Secret::guarded(identity.refresh_token.reveal());
    entry.grant.obtained_at = seconds_of(now.wall);
    entry.grant.refreshed_at = seconds_of(now.wall);
    entry.grant.seed = seed;
    entry.date_on_disk = entry.grant.refreshed_at;
    entry.idle_at = now.instant + spread_of(name);  // how old it is nobody knows
  }
}

const config::Identity* RefreshTokens::identity_of(std::string_view name) const {
  const auto found = settings_->identities.find(std::string(name));
  if (found == settings_->identities.end() || !config::lives_on_refresh_token(found->second.grant)) return nullptr;
  return &found->second;
}

bool RefreshTokens::fits(const Entry& entry, const config::Identity& identity) const {
  if (entry.grant.granted_for != granted_for(identity)) return false;
  return identity.owner.empty() || entry.grant.user.empty() || same_user(identity.owner, entry.grant.user);
}

const RefreshTokens::Entry* RefreshTokens::usable(std::string_view identity) const {
  const config::Identity* configured = identity_of(identity);
  const auto found = entries_.find(identity);
  return configured != nullptr && found != entries_.end() && fits(found->second, *configured) ? &found->second
                                                                                              : nullptr;
}

RefreshTokens::Entry* RefreshTokens::usable(std::string_view identity) {
  return const_cast<Entry*>(std::as_const(*this).usable(identity));
}

const config::Secret* RefreshTokens::find(std::string_view identity) const {
  const Entry* entry = usable(identity);
  return entry != nullptr ? &entry->grant.refresh_token : nullptr;
}

std::string RefreshTokens::why_none(std::string_view identity) const {
  const std::string remedy = "; run: saslift sign-in " + std::string(identity);
  if (!key_) return "the state is not open";
  if (entries_.contains(identity))
    return "the sign-in that is kept was for another provider, tenant, app, scope or user than is configured" + remedy;
  if (!unreadable_.empty()) return "its sign-in was kept in a state that does not open: " + unreadable_;
  return "nobody has signed in for it" + remedy;
}

std::string RefreshTokens::user_of(std::string_view identity) const {
  const Entry* entry = usable(identity);
  return entry != nullptr ? entry->grant.user : std::string();
}

std::string RefreshTokens::refusal_of(const SignedIn& signed_in) const {
  const std::string name(signed_in.identity);
  const auto found = settings_->identities.find(name);
  if (found == settings_->identities.end())
    return "there is no identity '" + name + "' in the configuration that saslift runs with";
  const config::Identity& configured = found->second;
  if (!config::lives_on_refresh_token(configured.grant))
    return "identity '" + name + "' needs no sign-in: its grant is " + std::string(config::name_of(configured.grant));
  const std::string_view user = signed_in.user;
  if (configured.owner.empty() || user.empty() || same_user(configured.owner, user)) return {};
  return "signed in as " + std::string(user) + ", but the owner of identity '" + name + "' is " + configured.owner +
         ": nothing was kept; sign in as the owner, or correct 'owner'";
}

RefreshTokens::Change RefreshTokens::refreshed(std::string_view identity, const config::Secret& token,
                                               std::string_view user, Now now) {
  Entry* entry = usable(identity);
  if (entry == nullptr) return 0;
  KeptGrant& grant = entry->grant;
  entry->refused = false;
  entry->tried = true;
  entry->idle_at = now.instant + longest_idle;
  find_next_idle();
  grant.refreshed_at = seconds_of(now.wall);
  if (!user.empty()) grant.user = user;
  if (!token.empty() && token.reveal() != grant.refresh_token.reveal()) {
    grant.refresh_token = config::Secret::guarded(token.reveal());
    entry->date_on_disk = grant.refreshed_at;
    return changed();
  }
  if (std::abs(grant.refreshed_at - entry->date_on_disk) < between_date_saves.count()) return 0;
  entry->date_on_disk = grant.refreshed_at;
  (void)changed();
  return 0;
}

std::expected<RefreshTokens::Change, std::string> RefreshTokens::sign_in(const SignIn& sign_in, Now now) {
  if (std::string refusal = refusal_of({.identity = sign_in.identity, .user = sign_in.user}); !refusal.empty())
    return std::unexpected(std::move(refusal));
  if (!key_) return std::unexpected("the state is not open");
  const config::Identity& identity = *identity_of(sign_in.identity);
  Entry entry;
  entry.grant.identity = sign_in.identity;
  entry.grant.granted_for = granted_for(identity);
  entry.grant.refresh_token = config::Secret::guarded(sign_in.refresh_token.reveal());
  entry.grant.user = sign_in.user;
  entry.grant.obtained_at = entry.grant.refreshed_at = entry.date_on_disk = seconds_of(now.wall);
  // A newer sign-in wins over the configured token until that changes.
  if (!identity.refresh_token.empty()) entry.grant.seed = seed_of(identity.refresh_token);
  entry.idle_at = now.instant + longest_idle;
  entries_[sign_in.identity] = std::move(entry);
  find_next_idle();
  return changed();
}

void RefreshTokens::refused(std::string_view identity) {
  if (Entry* entry = usable(identity)) entry->refused = true;
  find_next_idle();
}

bool RefreshTokens::untried(std::string_view identity) const {
  const Entry* entry = usable(identity);
  return entry != nullptr && !entry->tried;
}

RefreshTokens::Change RefreshTokens::changed() {
  new_since_refusal_ = true;
  return ++last_change_;
}

std::optional<SaveState> RefreshTokens::take_save(Now now) {
  if (!key_ || saving_ || !anything_unsaved()) return std::nullopt;
  if (!new_since_refusal_ && now.instant < retry_at_) return std::nullopt;
  new_since_refusal_ = false;
  saving_ = Saving{.through = last_change_, .since = now.instant, .given_up = false};
  KeptState state;
  state.generation = ++generation_;
  for (const auto& [name, entry] : entries_) state.grants.push_back(entry.grant.copy());
  return SaveState{.sealed = seal(state, *key_)};
}

void RefreshTokens::saved(const SaveOutcome& outcome, Instant now) {
  if (!saving_) return;
  const Change through = std::exchange(saving_, std::nullopt)->through;
  if (!outcome) {
    settled_ = std::max(settled_, through);
    const Duration pause = std::min(first_retry * (1 << std::min(failures_++, 10U)), longest_retry);
    retry_at_ = now + pause;
    status_ = {StateHealth::degraded, outcome.error()};
    return;
  }
  failures_ = 0;
  on_disk_ = through;
  settled_ = std::max(settled_, through);
  status_ = {StateHealth::kept, {}};
}

void RefreshTokens::tick(Instant now) {
  if (!saving_ || saving_->given_up || now < saving_->since + patience_with_disk) return;
  saving_->given_up = true;
  settled_ = std::max(settled_, saving_->through);
  status_ = {StateHealth::degraded, "the disk does not answer"};
}

std::optional<Instant> RefreshTokens::wake_at() const {
  if (saving_) return saving_->given_up ? std::nullopt : std::optional(saving_->since + patience_with_disk);
  return key_ && anything_unsaved() ? std::optional(retry_at_) : std::nullopt;
}

std::vector<std::string> RefreshTokens::idle(Instant now) const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_)
    if (!entry.refused && entry.idle_at <= now && usable(name) != nullptr) names.push_back(name);
  return names;
}

void RefreshTokens::find_next_idle() {
  next_idle_.reset();
  for (const auto& [name, entry] : entries_)
    if (!entry.refused && usable(name) != nullptr)
      next_idle_ = std::min(next_idle_.value_or(entry.idle_at), entry.idle_at);
}

void RefreshTokens::put_off(std::string_view identity, Instant until) {
  if (Entry* entry = usable(identity)) entry->idle_at = std::max(entry->idle_at, until);
  find_next_idle();
}

std::optional<WallTime> RefreshTokens::refreshed_at(std::string_view identity) const {
  const Entry* entry = usable(identity);
  if (entry == nullptr) return std::nullopt;
  return WallTime(std::chrono::seconds(entry->grant.refreshed_at));
}

}  // namespace saslift::auth
