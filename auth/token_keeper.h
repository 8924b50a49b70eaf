// The access tokens of all identities: one is cached, joined or fetched, with one fetch at a time for each key
// however many logins wait. No token serves another key. Fetches nothing itself: take_fetches() says what to ask.
// A reply that brought a new refresh token is used once that is settled (auth/refresh_tokens.h).
//
//   ask() until it gives something else than TokenPending: after each fetched(), when settle() names the key, and
//   at TokenWish::until; tick() at wake_at().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "auth/clock.h"
#include "auth/grants/grant.h"
#include "auth/login.h"
#include "auth/refresh_tokens.h"
#include "config/settings.h"

namespace saslift::auth {

struct TokenInHand {
  std::uint64_t id = 0;
  Instant ends;
};
struct TokenPending {};
struct TokenDenied {
  LoginFailure failure = LoginFailure::token_unavailable;
  TokenError error;
};
using TokenAnswer = std::variant<TokenInHand, TokenPending, TokenDenied>;

struct TokenWish {
  TokenKey key;
  Instant until;                 // the login waits no longer
  std::uint64_t newer_than = 0;  // the server has refused this one
};

// A login with a token, for one mailbox and protocol.
struct TokenUse {
  TokenKey key;
  std::uint64_t id = 0;
  std::string door;
};
struct RefusedToken {
  TokenUse use;
  int json_status = 0;
};

// What a fetch brought, for the log.
struct FetchReport {
  Duration took{0};
  bool outdated = false;              // a sign-in has made it void
  std::optional<Duration> life_left;  // of the new token
  std::string fingerprint;            // of the new token
  std::optional<TokenError> error;
  std::string suspicion;  // what else may explain the error
  Duration pause{0};      // until the next fetch, after an error
};

class TokenKeeper {
 public:
  // Both outlive the keeper. The seed is that of the jitter.
  TokenKeeper(const config::Settings& settings, RefreshTokens& refresh_tokens, std::uint64_t seed);

  [[nodiscard]] TokenAnswer ask(const TokenWish& wish, Instant now);
  // Of the token in hand; ask() has just given it.
  [[nodiscard]] config::Secret copy_of_token(const TokenKey& key) const;
  void logged_in_with(const TokenUse& use);
  // Whether a login refused with this token may ask for a newer one; starts the fetch that this takes.
  [[nodiscard]] bool may_ask_newer(const RefusedToken& refused, Instant now);

  // nullopt: no fetch was under way.
  [[nodiscard]] std::optional<FetchReport> fetched(const TokenKey& key, TokenOutcome outcome, Now now);
  [[nodiscard]] std::vector<TokenKey> take_fetches();
  // The keys whose token waited for its refresh token, and waits no more.
  [[nodiscard]] std::vector<TokenKey> settle();
  // Somebody has signed in: what was known of the identity is known no more.
  void signed_in(std::string_view identity);
  // The settings have been replaced in place: what is known of an identity that gets its tokens otherwise now, or is
  // gone, is known no more.
  void reload(const config::Settings& before);
  void tick(Instant now);
  [[nodiscard]] std::optional<Instant> wake_at() const;

  [[nodiscard]] std::optional<Duration> life_left(const TokenKey& key, Instant now) const;
  [[nodiscard]] const std::optional<TokenError>& last_error(const TokenKey& key) const;
  // No fetch has failed so lately that the next has to wait.
  [[nodiscard]] bool may_fetch(const TokenKey& key, Instant now) const;
  // Why only a person can help this identity; empty: no need is known.
  [[nodiscard]] std::string sign_in_needed(const TokenKey& key) const;
  // A reply that may bring a refresh token is on its way, or waits for the disk.
  [[nodiscard]] bool refresh_under_way() const;

 private:
  struct Held {
    std::uint64_t id = 0;
    config::Secret access_token;
    Instant asked_for;
    Duration life{0};
    bool used = false;                             // a login was given it
    std::set<std::string, std::less<>> proven_at;  // doors that it has opened

    [[nodiscard]] Instant ends() const { return asked_for + life; }
    [[nodiscard]] Instant refresh_at() const;
  };
  struct Parked {
    Held held;
    RefreshTokens::Change until_settled = 0;
  };
  struct State {
    std::optional<Held> held;
    std::optional<Parked> parked;  // takes the place of `held`
    std::optional<Instant> fetching_since;
    bool outdated = false;                // what is being fetched is wanted no more
    Instant not_before;                   // back-off
    Instant demanded_from;                // shorter, for a login that has no token at all
    std::optional<Instant> wanted_until;  // a login waits for the back-off to end
    unsigned failures = 0;                // in a row
    std::optional<TokenError> last_error;
    std::optional<Instant> last_fetch_after_refusal;

    [[nodiscard]] bool busy() const { return fetching_since || parked; }
  };

  [[nodiscard]] const State* find(const TokenKey& key) const;
  void start_fetch(const TokenKey& key, State& state, Instant now);
  [[nodiscard]] TokenAnswer wait_for_fetch(const TokenWish& wish, State& state, Instant now);
  [[nodiscard]] bool is_doubtful(const Held& held, const RefusedToken& refused, Instant now) const;
  void keep_alive(Instant now);
  [[nodiscard]] const config::Identity* identity_of(const TokenKey& key) const;
  [[nodiscard]] bool lives_on_refresh_token(const TokenKey& key) const;
  [[nodiscard]] LoginFailure failure_of(const TokenKey& key, const TokenError& error) const;
  [[nodiscard]] FetchReport failed(const TokenKey& key, State& state, TokenError error, Instant now);
  [[nodiscard]] Duration pause_after(const TokenError& error, unsigned failures);
  [[nodiscard]] Duration jitter(Duration most);
  void withhold_secrets(const TokenKey& key, TokenError& error) const;

  const config::Settings* settings_;
  RefreshTokens* refresh_tokens_;
  std::map<TokenKey, State> states_;
  std::vector<TokenKey> fetches_;
  std::uint64_t last_id_ = 0;
  std::mt19937_64 random_;
};

}  // namespace saslift::auth
