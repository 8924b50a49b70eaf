// TokenKeeper and RefreshTokens together: identities that live on a refresh token.
#include "auth/token_keeper.h"
#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::make_settings;
using saslift::tests::start;

namespace {

config::Settings delegated() {
  config::Settings settings = make_settings();
  settings.identities.at("office").grant = config::Grant::device_code;
  settings.identities.at("office").owner = "owner@contoso.com";
  return settings;
}

TokenOutcome reply(std::string_view access_token, std::string_view refresh_token, std::string user = "") {
  Token token;
  token.access_token = config::Secret(access_token);
  token.life = 1h;
  token.refresh_token = config::Secret(refresh_token);
  token.user = std::move(user);
  return token;
}

TokenOutcome error(TokenErrorKind kind, std::string name) {
  TokenError error;
  error.kind = kind;
  error.error = std::move(name);
  return std::unexpected(std::move(error));
}

struct Bench {
  Bench() {
    refresh_tokens.opened(
        {.key = StateKey::made_from(std::string(32, 'k')).value(), .kept = {}, .unreadable = {}, .suspect = {}}, now());
  }

  Now now() const { return {.instant = instant, .wall = WallTime(std::chrono::hours(500'000)) + (instant - start())}; }
  void sign_in(const std::string& token = "r1") {
    REQUIRE(refresh_tokens.sign_in({.identity = "office", .refresh_token = config::Secret(token), .user = ""}, now()));
    keeper.signed_in("office");
    save();
  }
  void save(const SaveOutcome& outcome = {}) {
    const auto order = refresh_tokens.take_save(now());
    REQUIRE(order);
    refresh_tokens.saved(outcome, instant);
    settled = keeper.settle();
  }
  // "token ID", "wait", or the failure's name.
  std::string ask() {
    const TokenAnswer answer = keeper.ask({.key = key, .until = instant + 10s, .newer_than = 0}, instant);
    if (std::holds_alternative<TokenPending>(answer)) return "wait";
    if (const auto* denied = std::get_if<TokenDenied>(&answer)) {
      detail = denied->error.description;
      return std::string(name_of(denied->failure));
    }
    return "token " + std::string(keeper.copy_of_token(key).reveal());
  }
  // With which refresh tokens fetches were started.
  std::vector<std::string> fetches() {
    std::vector<std::string> with;
    for (const TokenKey& fetch : keeper.take_fetches())
      with.emplace_back(refresh_tokens.find(fetch.identity)->reveal());
    return with;
  }
  std::optional<FetchReport> fetched(TokenOutcome outcome) { return keeper.fetched(key, std::move(outcome), now()); }
  // Lets time pass, alarms rung, no fetch answered.
  std::vector<std::string> pass(std::chrono::milliseconds time) {
    const Instant until = instant + time;
    std::vector<std::string> with;
    for (int rings = 0; rings < 10'000; ++rings) {
      const auto wake = keeper.wake_at();
      if (!wake || *wake > until) break;
      instant = std::max(instant, *wake);
      keeper.tick(instant);
      for (auto& one : fetches()) with.push_back(one);
    }
    instant = until;
    return with;
  }

  const TokenKey key{.identity = "office", .subject = {}};
  config::Settings settings = delegated();
  RefreshTokens refresh_tokens{settings};
  TokenKeeper keeper{settings, refresh_tokens, 42};
  Instant instant = start();
  std::string detail;
  std::vector<TokenKey> settled;
};

using Tokens = std::vector<std::string>;
const SaveOutcome no_room = std::unexpected("No space left on device");

}  // namespace

TEST_CASE("without a sign-in a login hears that one is needed, and nothing is asked") {
  Bench bench;
  CHECK(bench.ask() == "sign_in_needed");
  CHECK(bench.detail == "nobody has signed in for it; run: saslift sign-in office");
  CHECK(bench.fetches().empty());
  CHECK_FALSE(bench.keeper.wake_at().has_value());
}

TEST_CASE("FAULTS 41: login -> fetch -> new refresh token -> disk -> only then the login's token") {
  Bench bench;
  bench.sign_in("r1");
  CHECK(bench.ask() == "wait");
  CHECK(bench.fetches() == Tokens{"r1"});
  CHECK(bench.fetched(reply("a1", "r2"))->life_left == Duration(1h));
  CHECK(bench.ask() == "wait");
  CHECK(bench.fetches().empty());
  CHECK(bench.keeper.refresh_under_way());
  CHECK(bench.keeper.settle().empty());
  bench.save();
  CHECK(bench.settled == std::vector<TokenKey>{bench.key});
  CHECK(bench.ask() == "token a1");
  CHECK_FALSE(bench.keeper.refresh_under_way());
}

TEST_CASE("FAULTS 42: the disk refuses: the login gets its token, and the next fetch uses the newest from memory") {
  Bench bench;
  bench.sign_in("r1");
  CHECK(bench.ask() == "wait");
  CHECK(bench.fetches() == Tokens{"r1"});
  (void)bench.fetched(reply("a1", "r2"));
  bench.save(no_room);
  CHECK(bench.ask() == "token a1");
  bench.instant += 2h;
  CHECK(bench.ask() == "wait");
  CHECK(bench.fetches() == Tokens{"r2"});
}

TEST_CASE("a refresh ahead that waits for the disk leaves the others the token they have") {
  Bench bench;
  bench.sign_in("r1");
  CHECK(bench.ask() == "wait");
  (void)bench.fetches();
  (void)bench.fetched(reply("a1", "r2"));
  bench.save();
  CHECK(bench.ask() == "token a1");
  CHECK(bench.pass(49min).empty());
  CHECK(bench.pass(2min) == Tokens{"r2"});  // 10 min ahead
  (void)bench.fetched(reply("a2", "r3"));
  CHECK(bench.ask() == "wait");
  bench.save();
  CHECK(bench.ask() == "token a2");
}

TEST_CASE("a provider that does not rotate: the token serves at once") {
  for (const char* same : {"", "r1"}) {
    Bench bench;
    bench.sign_in("r1");
    CHECK(bench.ask() == "wait");
    (void)bench.fetches();
    (void)bench.fetched(reply("a1", same));
    CHECK(bench.ask() == "token a1");
    CHECK_FALSE(bench.refresh_tokens.saving());
  }
}

TEST_CASE("FAULTS 38, 41: invalid_grant needs a person; said to be perhaps a kill's doing only at the first use") {
  for (const bool first_use : {true, false}) {
    Bench bench;
    bench.sign_in("r1");
    CHECK(bench.ask() == "wait");
    (void)bench.fetches();
    if (!first_use) {
      (void)bench.fetched(reply("a1", ""));
      bench.instant += 2h;
      CHECK(bench.ask() == "wait");
      (void)bench.fetches();
    }
    const auto report = bench.fetched(error(TokenErrorKind::permanent, "invalid_grant"));
    CHECK(report->suspicion.contains("if saslift was killed") == first_use);
    CHECK(report->pause >= 60s);
    CHECK(bench.keeper.sign_in_needed(bench.key) == "invalid_grant");
    for (int second = 0; second < 60; ++second) {
      CHECK(bench.ask() == "sign_in_needed");
      CHECK(bench.pass(1s).empty());
    }
    CHECK(bench.pass(24h * 100).empty());  // nobody logs in: it is not asked again
    bench.sign_in("r9");
    CHECK(bench.keeper.sign_in_needed(bench.key).empty());
    CHECK(bench.ask() == "wait");
    CHECK(bench.fetches() == Tokens{"r9"});
  }
}

TEST_CASE("FAULTS 38: an app's own error is not cured by a sign-in") {
  Bench bench;
  bench.sign_in("r1");
  CHECK(bench.ask() == "wait");
  (void)bench.fetches();
  (void)bench.fetched(error(TokenErrorKind::permanent, "invalid_client"));
  CHECK(bench.ask() == "identity_refused");
  CHECK(bench.keeper.sign_in_needed(bench.key).empty());
}

TEST_CASE("FAULTS 51: a token of another person than the owner is neither served nor kept") {
  Bench bench;
  bench.sign_in("r1");
  CHECK(bench.ask() == "wait");
  (void)bench.fetches();
  const auto report = bench.fetched(reply("a1", "r2", "boss@contoso.com"));
  CHECK(report->error->error == "foreign_user");
  CHECK(bench.ask() == "sign_in_needed");
  CHECK(bench.detail.starts_with(
      "signed in as boss@contoso.com, but the owner of identity 'office' is owner@contoso.com"));
  CHECK(bench.refresh_tokens.find("office")->reveal() == "r1");
  CHECK_FALSE(bench.refresh_tokens.saving());
}

TEST_CASE("a sign-in while a fetch is under way: the reply to the old grant is dropped") {
  Bench bench;
  bench.sign_in("r1");
  CHECK(bench.ask() == "wait");
  CHECK(bench.fetches() == Tokens{"r1"});
  bench.sign_in("r9");
  CHECK(bench.ask() == "wait");
  CHECK(bench.fetches().empty());  // one at a time
  CHECK(bench.fetched(reply("a-old", "r2"))->outdated);
  CHECK(bench.refresh_tokens.find("office")->reveal() == "r9");
  CHECK(bench.ask() == "wait");
  CHECK(bench.fetches() == Tokens{"r9"});
  (void)bench.fetched(reply("a-new", ""));
  CHECK(bench.ask() == "token a-new");
}

TEST_CASE("idle for 7 days, an identity is refreshed so that it does not die at 90") {
  Bench bench;
  bench.sign_in("r1");
  for (int week = 1; week <= 20; ++week) {
    CHECK(bench.pass(7 * 24h - 1s).empty());
    const Tokens with = bench.pass(1s);
    REQUIRE(with == Tokens{"r" + std::to_string(week)});
    (void)bench.fetched(reply("a", "r" + std::to_string(week + 1)));
    bench.save();
  }
}

TEST_CASE("an idle refresh that fails is tried again, never in a storm") {
  Bench bench;
  bench.sign_in("r1");
  REQUIRE(bench.pass(7 * 24h).size() == 1);
  SECTION("the provider is down for a day") {
    int tries = 0;
    const Instant back = bench.instant + 24h;
    while (bench.instant < back) {
      (void)bench.fetched(error(TokenErrorKind::temporary, "http_503"));
      const Tokens with = bench.pass(6min);
      REQUIRE(with.size() == 1);
      ++tries;
    }
    CHECK(tries == 240);
    (void)bench.fetched(reply("a", "r2"));
    bench.save();
    CHECK(bench.pass(6 * 24h).empty());
  }
  SECTION("the app's secret has expired: once a day") {
    for (int day = 0; day < 30; ++day) {
      (void)bench.fetched(error(TokenErrorKind::permanent, "invalid_client"));
      CHECK(bench.pass(24h - 1s).empty());
      CHECK(bench.pass(1s) == Tokens{"r1"});
    }
  }
  SECTION("the fetch never ends") { CHECK(bench.pass(24h).empty()); }
}
