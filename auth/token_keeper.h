// The tokens of all identities: one is cached, joined or fetched, with one fetch at a time for each identity
// however many logins wait. Keyed by identity, so no token serves another's mailbox. Fetches nothing itself:
// take_fetches() says what to ask.
//
//   ask() until it gives something else than TokenPending: after each fetched(), and at TokenPending::until;
//   tick() at wake_at().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "auth/clock.h"
#include "auth/grants/grant.h"
#include "auth/login.h"
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
  std::string_view identity;
  Instant until;                 // the login waits no longer
  std::uint64_t newer_than = 0;  // the server has refused this one
};

struct RefusedToken {
  std::string_view identity;
  std::uint64_t id = 0;
  int json_status = 0;
};

// What a fetch brought, for the log.
struct FetchReport {
  Duration took{0};
  std::optional<Duration> life_left;  // of the new token
  std::optional<TokenError> error;
  Duration pause{0};  // until the next fetch, after an error
};

class TokenKeeper {
 public:
  // The settings outlive the keeper. The seed is that of the jitter.
  TokenKeeper(const config::Settings& settings, std::uint64_t seed);

  [[nodiscard]] TokenAnswer ask(const TokenWish& wish, Instant now);
  // Of the token in hand; ask() has just given it.
  [[nodiscard]] config::Secret copy_of_token(std::string_view identity) const;
  void logged_in_with(std::string_view identity, std::uint64_t token_id);
  // Whether a login refused with this token may ask for a newer one; starts the fetch that this takes.
  [[nodiscard]] bool may_ask_newer(const RefusedToken& refused, Instant now);

  // nullopt: no fetch was under way.
  [[nodiscard]] std::optional<FetchReport> fetched(std::string_view identity, TokenOutcome outcome, Instant now);
  [[nodiscard]] std::vector<std::string> take_fetches();
  void tick(Instant now);
  [[nodiscard]] std::optional<Instant> wake_at() const;

  [[nodiscard]] std::optional<Duration> life_left(std::string_view identity, Instant now) const;
  [[nodiscard]] const std::optional<TokenError>& last_error(std::string_view identity) const;

 private:
  struct Held {
    std::uint64_t id = 0;
    config::Secret access_token;
    Instant asked_for;
    Duration life{0};
    bool used = false;    // a login was given it
    bool proven = false;  // a login succeeded with it

    [[nodiscard]] Instant ends() const { return asked_for + life; }
    [[nodiscard]] Instant refresh_at() const;
  };
  struct State {
    std::optional<Held> held;
    std::optional<Instant> fetching_since;
    Instant not_before;                   // back-off
    std::optional<Instant> wanted_until;  // a login waits for the back-off to end
    unsigned failures = 0;                // in a row
    std::optional<TokenError> last_error;
    std::optional<Instant> last_fetch_after_refusal;
  };

  [[nodiscard]] State& state_of(std::string_view identity);
  [[nodiscard]] const State* find(std::string_view identity) const;
  void start_fetch(std::string_view identity, State& state, Instant now);
  [[nodiscard]] TokenAnswer wait_for_fetch(const TokenWish& wish, State& state, Instant now);
  [[nodiscard]] Duration pause_after(const TokenError& error, unsigned failures);
  [[nodiscard]] Duration jitter(Duration most);
  void withhold_secret(std::string_view identity, TokenError& error) const;

  const config::Settings* settings_;
  std::map<std::string, State, std::less<>> states_;
  std::vector<std::string> fetches_;
  std::uint64_t last_id_ = 0;
  std::mt19937_64 random_;
};

}  // namespace saslift::auth
