// The desk and the disk: sign-ins, saves, outages and clocks.
#include <set>

#include "catch.h"
#include "desk_bench.h"

using namespace saslift;
using namespace saslift::auth;
using namespace saslift::tests;
using namespace std::chrono_literals;

namespace {

config::Settings delegated() {
  config::Settings settings = make_settings();
  settings.identities.at("office").grant = config::Grant::browser;
  settings.identities.at("office").owner = "owner@contoso.com";
  return settings;
}

OpenedState nothing_kept() {
  return {.key = StateKey::made_from(std::string(32, 'k')).value(), .kept = {}, .unreadable = {}, .suspect = {}};
}

SignIn sign_in_of(const std::string& user = "owner@contoso.com") {
  return {.identity = "office", .refresh_token = config::Secret("canary-refresh"), .user = user};
}

const SaveOutcome no_room = std::unexpected("No space left on device");

}  // namespace

TEST_CASE("a sign-in is answered once it is on disk") {
  DeskBench bench(delegated());
  bench.state_opened(nothing_kept());
  bench.sign_in(7, sign_in_of());
  CHECK(bench.sign_ins.empty());
  REQUIRE(bench.saves.size() == 1);
  CHECK_FALSE(bench.desk.may_end());
  bench.saved();
  REQUIRE(bench.sign_ins.size() == 1);
  CHECK(bench.sign_ins[0].id == 7);
  CHECK(bench.sign_ins[0].outcome.has_value());
  CHECK(bench.logged("signed_in", "identity") == "office");
  CHECK(bench.logged("signed_in", "user") == "owner@contoso.com");
  CHECK(bench.desk.may_end());
  CHECK(bench.desk.status(bench.now).identities[0].user == "owner@contoso.com");
  CHECK_FALSE(bench.everything_told().contains("canary-refresh"));
}

TEST_CASE("FAULTS 42: a sign-in that the disk refuses is told so, once, and is kept when the disk is back") {
  DeskBench bench(delegated());
  bench.state_opened(nothing_kept());
  bench.sign_in(1, sign_in_of());
  bench.saved(no_room);
  REQUIRE(bench.sign_ins.size() == 1);
  CHECK(bench.sign_ins[0].outcome.error() ==
        "the sign-in is used, but could not be written and is lost when saslift ends: No space left on device; writing "
        "is tried again");
  CHECK(bench.count("state_not_saved") == 1);
  CHECK(bench.desk.status(bench.now).state.health == StateHealth::degraded);
  for (int i = 0; i < 5; ++i) {
    const std::size_t before = bench.saves.size();
    bench.pass(6min);
    REQUIRE(bench.saves.size() == before + 1);
    bench.saved(no_room);
  }
  CHECK(bench.count("state_not_saved") == 1);
  bench.pass(6min);
  bench.saved();
  CHECK(bench.count("state_saved_again") == 1);
  CHECK(bench.desk.status(bench.now).state.health == StateHealth::kept);
  CHECK(bench.sign_ins.size() == 1);
}

TEST_CASE("FAULTS 51: a foreign sign-in is refused and logged") {
  DeskBench bench(delegated());
  bench.state_opened(nothing_kept());
  bench.sign_in(1, sign_in_of("boss@contoso.com"));
  REQUIRE(bench.sign_ins.size() == 1);
  CHECK_FALSE(bench.sign_ins[0].outcome.has_value());
  CHECK(bench.saves.empty());
  CHECK(bench.logged("sign_in_refused", "user") == "boss@contoso.com");
}

TEST_CASE("FAULTS 44: a state that does not open is told; who lives on it needs a sign-in, the others work") {
  DeskBench bench(delegated());
  OpenedState state = nothing_kept();
  state.unreadable = "/var/lib/saslift/state is damaged";
  bench.state_opened(std::move(state));
  CHECK(bench.logged("state_unreadable", "reason") == "/var/lib/saslift/state is damaged");
  CHECK(bench.saves.empty());
  bench.ask(1);
  bench.hash();
  CHECK(bench.failure(1) == "sign_in_needed");
  CHECK(bench.denied(1)->sentence == "The app identity 'office' needs a new sign-in; ask your administrator");
  CHECK(bench.logged("login_refused", "detail").ends_with("/var/lib/saslift/state is damaged"));
  CHECK(bench.desk.status(bench.now).identities[0].sign_in_needed.ends_with("/var/lib/saslift/state is damaged"));
  bench.ask(2, "machine");
  bench.hash();
  bench.token("of-plant", 3600, "plant");
  bench.resolved({"127.0.0.9"}, "127.0.0.9");
  CHECK(bench.granted(2) != nullptr);
}

TEST_CASE("FAULTS 44: falling back to the generation before is told as suspect") {
  DeskBench bench(delegated());
  OpenedState state = nothing_kept();
  state.suspect = "/var/lib/saslift/state is missing";
  bench.state_opened(std::move(state));
  CHECK(bench.logged("state_suspect", "reason") == "/var/lib/saslift/state is missing");
}

TEST_CASE("FAULTS 35: a wrong password writes nothing and asks for nothing") {
  DeskBench bench(delegated());
  bench.state_opened(nothing_kept());
  bench.sign_in(1, sign_in_of());
  bench.saved();
  bench.saves.clear();
  for (SessionId session = 1; session <= 20; ++session) {
    bench.ask(session);
    bench.hash(HashOutcome::differs);
    CHECK(bench.failure(session) == "bad_credentials");
  }
  CHECK(bench.saves.empty());
  CHECK(bench.fetches.empty());
  CHECK(bench.desk.status(bench.now).identities[0].user == "owner@contoso.com");
}

TEST_CASE("FAULTS 39: 500 logins at once on an expired token are one request") {
  DeskBench bench;
  bench.log_in(1);
  bench.now += 2h;
  for (SessionId session = 2; session <= 501; ++session) bench.ask(session);
  bench.resolved();
  CHECK(bench.fetches.size() == 1);
  bench.token("second");
  for (SessionId session = 2; session <= 501; ++session) REQUIRE(bench.granted(session) != nullptr);
  CHECK(bench.fetches.size() == 1);
}

TEST_CASE("FAULTS 36: the endpoint is down for 10 minutes: no login fails while a token lives") {
  // The outage begins at different ages of a token that lives an hour and is refreshed 10 min ahead.
  for (const auto age : {0min, 20min, 45min, 49min}) {
    DeskBench bench;
    bench.log_in(1);
    const Instant down = bench.now + age;
    const Instant back = down + 10min;
    SessionId session = 1;
    for (; bench.now < back + 10s; bench.pass(5s)) {
      bench.log_in_as_it_comes(++session);
      if (!bench.fetches.empty()) {
        bench.fetches.clear();
        if (bench.now < down || bench.now >= back)
          bench.token("newer");
        else
          bench.fetched("<html>down</html>", 503);
      }
      bench.answer_lookups();
      REQUIRE(bench.denied(session) == nullptr);
    }
    CHECK(bench.count("login_refused") == 0);
  }
}

TEST_CASE("FAULTS 36: after an outage without a token the first login is served within 5 s of the provider's return") {
  for (const auto outage : {1s, 10s, 60s, 600s, 3600s}) {
    DeskBench bench;
    const Instant back = bench.now + outage;
    SessionId session = 0;
    std::size_t asked = 0;
    // Somebody logs in every second, all along.
    const auto one_second = [&] {
      bench.log_in_as_it_comes(++session);
      for (int step = 0; step < 10; ++step) {
        bench.pass(100ms);
        bench.answer_lookups();
        if (bench.fetches.empty()) continue;
        asked += bench.fetches.size();
        bench.fetches.clear();
        if (bench.now >= back)
          bench.token("first");
        else
          bench.fetched("<html>down</html>", 503);
      }
    };
    while (bench.now < back) one_second();
    while (bench.answers_granted() == 0 && bench.now < back + 10s) one_second();
    CHECK(bench.now <= back + 5s);
    CHECK(bench.answers_granted() > 0);
    CHECK(asked <= static_cast<std::size_t>(outage / 2s) + 6);  // no storm meanwhile
  }
}

TEST_CASE("FAULTS 45, 86: clock steps of a day and a suspended host: no expired token is handed out, no storm") {
  const WallTime noon{std::chrono::hours(500'000)};
  DeskBench bench;
  bench.desk.wall_clock(noon);
  bench.log_in(1);
  for (const auto step : {-24h, 24h, -24h * 365, 24h * 365}) {
    bench.desk.wall_clock(noon + step);
    bench.pass(1s);
    bench.log_in_as_it_comes(2);
    REQUIRE(bench.granted(2) != nullptr);  // the token that lives is served on
    CHECK(bench.granted(2)->token_id == 1);
    CHECK(bench.fetches.empty());
  }
  // CLOCK_BOOTTIME counts through the suspend: on waking the token is over, and nobody gets it.
  bench.now += 24h;
  bench.answers.clear();
  for (SessionId session = 3; session <= 102; ++session) bench.ask(session);
  CHECK(bench.answers.empty());
  bench.tick();
  CHECK(bench.answers.empty());
  CHECK(bench.fetches.size() == 1);
  bench.fetches.clear();
  bench.token("after-waking");
  bench.resolved();
  for (SessionId session = 3; session <= 102; ++session) {
    REQUIRE(bench.granted(session) != nullptr);
    CHECK(bench.granted(session)->token_id == 2);
  }
  CHECK(bench.fetches.empty());
}

TEST_CASE("FAULTS 41: the desk asks with the refresh token, and grants once its successor is on disk") {
  DeskBench bench(delegated());
  bench.state_opened(nothing_kept());
  bench.sign_in(1, sign_in_of());
  bench.saved();
  bench.saves.clear();
  bench.ask(1);
  bench.hash();
  bench.resolved();
  REQUIRE(bench.fetches.size() == 1);
  CHECK(bench.fetches[0].key == TokenKey{.identity = "office", .subject = {}});
  CHECK_FALSE(bench.desk.may_end());
  bench.fetches.clear();
  bench.fetched(R"({"access_token":"canary-access","expires_in":3600,"refresh_token":"canary-second"})");
  CHECK(bench.answers.empty());
  REQUIRE(bench.saves.size() == 1);
  CHECK_FALSE(bench.desk.may_end());
  SECTION("saved") { bench.saved(); }
  SECTION("refused by the disk") { bench.saved(no_room); }
  SECTION("the disk does not answer") { bench.pass(5s); }
  REQUIRE(bench.granted(1) != nullptr);
  CHECK(bench.granted(1)->access_token.reveal() == "canary-access");
  for (const char* canary : {"canary-refresh", "canary-second", "canary-access"})
    CHECK_FALSE(bench.everything_told().contains(canary));
}

TEST_CASE("what expires is told in the log and in status, by the wall clock") {
  config::Settings settings = delegated();
  settings.identities.at("plant").client_secret_expires = std::chrono::year{2027} / 3 / 1;
  DeskBench bench(std::move(settings));
  const WallTime first_of_february = std::chrono::sys_days(std::chrono::year{2027} / 2 / 1);
  bench.desk.wall_clock(first_of_february);
  bench.state_opened(nothing_kept());
  bench.sign_in(1, sign_in_of());
  bench.saved();
  bench.tick();
  CHECK(bench.logged("expires_soon", "identity") == "plant");
  CHECK(bench.logged("expires_soon", "what") == "client_secret");
  CHECK(bench.logged("expires_soon", "days_left") == "28");
  bench.pass(5h);
  CHECK(bench.count("expires_soon") == 1);
  bench.desk.wall_clock(first_of_february + std::chrono::days(22));
  bench.pass(1h);
  CHECK(bench.count("expires_soon") == 2);

  const DeskStatus status = bench.desk.status(bench.now);
  REQUIRE(status.identities.size() == 2);
  REQUIRE(status.identities[0].expiries.size() == 1);  // office: its sign-in, 90 days from its last use
  CHECK(status.identities[0].expiries[0].what == Expiring::refresh_token);
  CHECK(date_of(status.identities[0].expiries[0]) == "2027-05-02");
  REQUIRE(status.identities[1].expiries.size() == 1);
  CHECK(date_of(status.identities[1].expiries[0]) == "2027-03-01");
  CHECK(days_left(status.identities[1].expiries[0], status.wall) == 6);
}

TEST_CASE("FAULTS 41: a refresh token that nothing has refreshed for long is warned of before it dies") {
  DeskBench bench(delegated());
  const WallTime now = std::chrono::sys_days(std::chrono::year{2027} / 6 / 1);
  bench.desk.wall_clock(now);
  OpenedState state = nothing_kept();
  KeptGrant& grant = state.kept.grants.emplace_back();
  grant.identity = "office";
  grant.granted_for = granted_for(bench.settings.identities.at("office"));
  grant.refresh_token = config::Secret::guarded("canary-refresh");
  grant.refreshed_at = std::chrono::duration_cast<std::chrono::seconds>((now - 85 * 24h).time_since_epoch()).count();
  bench.state_opened(std::move(state));
  bench.tick();
  CHECK(bench.logged("expires_soon", "what") == "refresh_token");
  CHECK(bench.logged("expires_soon", "days_left") == "5");
  // And it is refreshed soon, before anybody logs in.
  bench.pass(10min);
  REQUIRE(bench.fetches.size() == 1);
  bench.fetched(R"({"access_token":"a","expires_in":3600,"refresh_token":"canary-second"})");
  bench.saved();
  CHECK(days_left(bench.desk.status(bench.now).identities[0].expiries.at(0), now) == 90);
}
