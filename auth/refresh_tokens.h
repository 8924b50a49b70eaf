// The refresh tokens of all identities, and what of them is on disk. Every change gets a number; take_save() says
// what to write, saved() how that went. A change is settled once it was written or the disk has refused it: then it
// is used from memory, the state counts as degraded, and writing is tried again. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/clock.h"
#include "auth/sign_in.h"
#include "auth/token_store.h"
#include "config/settings.h"

namespace saslift::auth {

using WallTime = std::chrono::system_clock::time_point;

// Write this; report by saved(). One at a time.
struct SaveState {
  std::string sealed;
};
// The error is what the disk said.
using SaveOutcome = std::expected<void, std::string>;

struct Now {
  Instant instant;
  WallTime wall;
};

// How the state on disk does, for the log and for status.
enum class StateHealth : std::uint8_t { unused, kept, degraded, unreadable };
[[nodiscard]] std::string_view name_of(StateHealth health);
struct StateStatus {
  StateHealth health = StateHealth::unused;
  std::string detail;
};

class RefreshTokens {
 public:
  using Change = std::uint64_t;

  // The settings outlive it.
  explicit RefreshTokens(const config::Settings& settings) : settings_(&settings) {}

  // Before this no identity that lives on a refresh token has one.
  void opened(OpenedState opened, Now now);

  // The settings have been replaced in place.
  void reload(Now now);

  // nullptr: none may be used; why_none() says why.
  [[nodiscard]] const config::Secret* find(std::string_view identity) const;
  [[nodiscard]] std::string why_none(std::string_view identity) const;
  // Who signed in, as far as known.
  [[nodiscard]] std::string user_of(std::string_view identity) const;
  // Why this sign-in may not be kept; empty: it may.
  struct SignedIn {
    std::string_view identity;
    std::string_view user;  // empty: the provider does not say
  };
  [[nodiscard]] std::string refusal_of(const SignedIn& signed_in) const;

  // A reply came; `token` empty: the provider leaves the old one good. The number to be settled before its access
  // token is used; 0: nothing is to be written first.
  [[nodiscard]] Change refreshed(std::string_view identity, const config::Secret& token, std::string_view user,
                                 Now now);
  // The error says why it is not kept.
  [[nodiscard]] std::expected<Change, std::string> sign_in(const SignIn& sign_in, Now now);
  // The provider takes it no more: it is not kept alive, and only a login or a sign-in brings it back.
  void refused(std::string_view identity);
  // No reply has come for it since the start.
  [[nodiscard]] bool untried(std::string_view identity) const;

  [[nodiscard]] std::optional<SaveState> take_save(Now now);
  void saved(const SaveOutcome& outcome, Instant now);
  // A disk that does not answer counts as refusing.
  void tick(Instant now);
  [[nodiscard]] std::optional<Instant> wake_at() const;
  [[nodiscard]] bool settled(Change change) const { return change <= settled_; }
  [[nodiscard]] bool on_disk(Change change) const { return change <= on_disk_; }
  // Or about to, by take_save().
  [[nodiscard]] bool saving() const { return saving_ || (new_since_refusal_ && anything_unsaved()); }

  // Those that no reply has come for in 7 days: put_off() each.
  [[nodiscard]] std::vector<std::string> idle(Instant now) const;
  [[nodiscard]] std::optional<Instant> next_idle() const { return next_idle_; }
  void put_off(std::string_view identity, Instant until);
  // When it was last refreshed, by the wall clock.
  [[nodiscard]] std::optional<WallTime> refreshed_at(std::string_view identity) const;

  [[nodiscard]] const StateStatus& status() const { return status_; }

 private:
  struct Entry {
    KeptGrant grant;
    bool refused = false;
    bool tried = false;
    std::int64_t date_on_disk = 0;  // refreshed_at of the last change
    Instant idle_at;
  };
  struct Saving {
    Change through = 0;
    Instant since;
    bool given_up = false;
  };

  [[nodiscard]] const config::Identity* identity_of(std::string_view name) const;
  [[nodiscard]] bool fits(const Entry& entry, const config::Identity& identity) const;
  [[nodiscard]] const Entry* usable(std::string_view identity) const;
  [[nodiscard]] Entry* usable(std::string_view identity);
  void plant_seeds(Now now);
  void find_next_idle();
  [[nodiscard]] Change changed();
  [[nodiscard]] bool anything_unsaved() const { return on_disk_ < last_change_; }

  const config::Settings* settings_;
  std::optional<StateKey> key_;  // nullopt: not opened
  std::uint64_t generation_ = 0;
  std::string unreadable_;
  std::map<std::string, Entry, std::less<>> entries_;
  Change last_change_ = 0;
  Change settled_ = 0;
  Change on_disk_ = 0;
  std::optional<Saving> saving_;
  unsigned failures_ = 0;  // in a row
  Instant retry_at_;
  bool new_since_refusal_ = false;
  std::optional<Instant> next_idle_;
  StateStatus status_;
};

}  // namespace saslift::auth
