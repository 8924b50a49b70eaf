#include "auth/refresh_tokens.h"

#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::make_settings;
using saslift::tests::start;

namespace {

StateKey state_key() { return StateKey::made_from(std::string(32, 'k')).value(); }

OpenedState nothing_kept() { return {.key = state_key(), .kept = {}, .unreadable = {}, .suspect = {}}; }

// "office" is a person's, by device code; "plant" an app's.
config::Settings delegated() {
  config::Settings settings = make_settings();
  settings.identities.at("office").grant = config::Grant::device_code;
  settings.identities.at("office").owner = "Owner@Contoso.com";
  return settings;
}

config::Settings migrated(const std::string& token) {
  config::Settings settings = delegated();
  settings.identities.at("office").grant = config::Grant::refresh_token;
  settings.identities.at("office").refresh_token = config::Secret(token);
  return settings;
}

struct Bench {
  explicit Bench(config::Settings made = delegated()) : settings(std::move(made)) {}

  Now now() const { return {.instant = instant, .wall = wall}; }
  void pass(std::chrono::milliseconds time) {
    instant += time;
    wall += time;
    tokens.tick(instant);
  }
  void open(OpenedState state = nothing_kept()) { tokens.opened(std::move(state), now()); }
  RefreshTokens::Change sign_in(const std::string& token, const std::string& user = "owner@contoso.com") {
    const auto change =
        tokens.sign_in({.identity = "office", .refresh_token = config::Secret(token), .user = user}, now());
    return change ? *change : 0;
  }
  // What one save writes; empty: nothing is to be written.
  std::string save(const SaveOutcome& outcome = {}) {
    const auto order = tokens.take_save(now());
    if (!order) return {};
    last_saved = order->sealed;
    tokens.saved(outcome, instant);
    return order->sealed;
  }
  RefreshTokens::Change refreshed(const std::string& token, const std::string& user = "") {
    return tokens.refreshed("office", config::Secret(token), user, now());
  }
  std::string token() const {
    const config::Secret* found = tokens.find("office");
    return found != nullptr ? std::string(found->reveal()) : "none";
  }
  // As after a restart with what was saved last.
  void restart(config::Settings made) {
    settings = std::move(made);
    tokens = RefreshTokens(settings);
    OpenedState state = nothing_kept();
    if (!last_saved.empty()) state.kept = open_sealed(last_saved, state_key()).value();
    open(std::move(state));
  }

  config::Settings settings;
  RefreshTokens tokens{settings};
  Instant instant = start();
  WallTime wall{std::chrono::seconds(1'800'000'000)};
  std::string last_saved;
};

const SaveOutcome no_room = std::unexpected("No space left on device");

}  // namespace

TEST_CASE("nobody has signed in: there is no token, and the words say how to get one") {
  Bench bench;
  CHECK(bench.tokens.why_none("office") == "the state is not open");
  bench.open();
  CHECK(bench.token() == "none");
  CHECK(bench.tokens.why_none("office") == "nobody has signed in for it; run: saslift sign-in office");
  CHECK(bench.save().empty());  // nothing must be kept: the disk is not touched
  CHECK_FALSE(bench.tokens.wake_at().has_value());
}

TEST_CASE("a sign-in is kept, and there after a restart") {
  Bench bench;
  bench.open();
  const auto change = bench.sign_in("r1");
  CHECK_FALSE(bench.tokens.settled(change));
  CHECK_FALSE(bench.save().empty());
  CHECK(bench.tokens.settled(change));
  CHECK(bench.tokens.on_disk(change));
  CHECK(bench.token() == "r1");
  bench.restart(delegated());
  CHECK(bench.token() == "r1");
  CHECK(bench.tokens.user_of("office") == "owner@contoso.com");
  CHECK(bench.save().empty());
}

TEST_CASE("FAULTS 51: who is not the owner is not kept") {
  Bench bench;
  bench.open();
  CHECK(bench.sign_in("r1") != 0);
  const auto refused = bench.tokens.sign_in(
      {.identity = "office", .refresh_token = config::Secret("r2"), .user = "boss@contoso.com"}, bench.now());
  REQUIRE_FALSE(refused);
  CHECK(refused.error() ==
        "signed in as boss@contoso.com, but the owner of identity 'office' is Owner@Contoso.com: nothing was kept; "
        "sign in as the owner, or correct 'owner'");
  CHECK(bench.token() == "r1");
  CHECK(bench.sign_in("r3", "OWNER@contoso.COM") != 0);  // case does not matter
  CHECK(bench.sign_in("r4", "") != 0);                   // a provider that does not say
}

TEST_CASE("what needs no sign-in, and what is not there, is told so") {
  Bench bench;
  bench.open();
  const auto error = [&](const std::string& identity) {
    return bench.tokens.sign_in({.identity = identity, .refresh_token = config::Secret("r"), .user = ""}, bench.now())
        .error();
  };
  CHECK(error("plant") == "identity 'plant' needs no sign-in: its grant is client_credentials");
  CHECK(error("nobody") == "there is no identity 'nobody' in the configuration that saslift runs with");
  CHECK(bench.save().empty());
}

TEST_CASE("FAULTS 46: a sign-in is for one provider, tenant, app, scope and user") {
  config::Settings changed = delegated();
  config::Identity& office = changed.identities.at("office");
  SECTION("endpoint") { office.provider.token_endpoint = "https://elsewhere.example/token"; }
  SECTION("tenant") { office.tenant = "fabrikam.example"; }
  SECTION("app") { office.client_id = "another"; }
  SECTION("scope") { office.provider.scope = "https://outlook.example/IMAP.AccessAsUser.All"; }
  SECTION("user") { office.owner = "another@contoso.com"; }
  Bench bench;
  bench.open();
  bench.sign_in("r1");
  (void)bench.save();
  bench.restart(std::move(changed));
  CHECK(bench.token() == "none");
  CHECK(bench.tokens.why_none("office").starts_with("the sign-in that is kept was for another provider"));
  CHECK(bench.refreshed("r2") == 0);
  bench.restart(delegated());
  CHECK(bench.token() == "r1");  // and is still there when the change is taken back
}

TEST_CASE("FAULTS 41: a new refresh token counts once it is on disk") {
  Bench bench;
  bench.open();
  bench.sign_in("r1");
  (void)bench.save();
  const auto change = bench.refreshed("r2");
  CHECK_FALSE(bench.tokens.settled(change));
  const auto order = bench.tokens.take_save(bench.now());
  REQUIRE(order);
  CHECK_FALSE(bench.tokens.take_save(bench.now()).has_value());  // one at a time
  CHECK_FALSE(bench.tokens.settled(change));
  SECTION("killed here, the old one is there") {
    bench.restart(delegated());
    CHECK(bench.token() == "r1");
  }
  SECTION("saved") {
    bench.tokens.saved({}, bench.instant);
    CHECK(bench.tokens.settled(change));
    CHECK(bench.tokens.status().health == StateHealth::kept);
  }
}

TEST_CASE("a reply without a refresh token, or with the same, leaves the old one good and the disk alone") {
  Bench bench;
  bench.open();
  bench.sign_in("r1");
  (void)bench.save();
  for (const char* token : {"", "r1"}) {
    bench.pass(1h);
    CHECK(bench.refreshed(token) == 0);
    CHECK(bench.save().empty());
  }
  bench.pass(24h);
  CHECK(bench.refreshed("") == 0);    // nobody waits for
  CHECK_FALSE(bench.save().empty());  // the date, once a day
  CHECK(bench.token() == "r1");
}

TEST_CASE("FAULTS 42: when the disk refuses, the token stays in memory, and writing is tried again") {
  Bench bench;
  bench.open();
  bench.sign_in("r1");
  (void)bench.save();
  const auto change = bench.refreshed("r2");
  CHECK_FALSE(bench.save(no_room).empty());
  CHECK(bench.tokens.settled(change));  // logins go on
  CHECK_FALSE(bench.tokens.on_disk(change));
  CHECK(bench.token() == "r2");
  CHECK(bench.tokens.status().health == StateHealth::degraded);
  CHECK(bench.tokens.status().detail == "No space left on device");

  // Tried again with growing pauses, no more than 5 min.
  int tries = 0;
  Duration longest{0};
  Instant before = bench.instant;
  while (bench.instant < start() + 1h) {
    const auto wake = bench.tokens.wake_at();
    REQUIRE(wake);
    CHECK(*wake > bench.instant);
    bench.pass(*wake - bench.instant);
    longest = std::max(longest, bench.instant - before);
    before = bench.instant;
    REQUIRE_FALSE(bench.save(no_room).empty());
    ++tries;
  }
  CHECK(tries >= 12);
  CHECK(tries <= 24);
  CHECK(longest == 5min);

  // A newer token is tried at once, and what is then written is the newest.
  const auto newest = bench.refreshed("r3");
  CHECK_FALSE(bench.save().empty());
  CHECK(bench.tokens.on_disk(newest));
  CHECK(bench.tokens.status().health == StateHealth::kept);
  CHECK_FALSE(bench.tokens.wake_at().has_value());
  bench.restart(delegated());
  CHECK(bench.token() == "r3");
}

TEST_CASE("FAULTS 42: a disk that does not answer holds up no login for more than 5 s") {
  Bench bench;
  bench.open();
  const auto change = bench.sign_in("r1");
  REQUIRE(bench.tokens.take_save(bench.now()));
  CHECK(bench.tokens.wake_at() == bench.instant + 5s);
  bench.pass(4'999ms);
  CHECK_FALSE(bench.tokens.settled(change));
  bench.pass(1ms);
  CHECK(bench.tokens.settled(change));
  CHECK(bench.tokens.status().health == StateHealth::degraded);
  CHECK_FALSE(bench.tokens.wake_at().has_value());
  bench.tokens.saved({}, bench.instant);
  CHECK(bench.tokens.on_disk(change));
  CHECK(bench.tokens.status().health == StateHealth::kept);
}

TEST_CASE("what changes while a save is under way is in the next one") {
  Bench bench;
  bench.open();
  const auto first = bench.sign_in("r1");
  REQUIRE(bench.tokens.take_save(bench.now()));
  const auto second = bench.refreshed("r2");
  bench.tokens.saved({}, bench.instant);
  CHECK(bench.tokens.on_disk(first));
  CHECK_FALSE(bench.tokens.settled(second));
  CHECK(bench.tokens.saving());
  CHECK_FALSE(bench.save().empty());
  CHECK(bench.tokens.on_disk(second));
  CHECK_FALSE(bench.tokens.saving());
  CHECK(open_sealed(bench.last_saved, state_key())->generation == 2);
}

TEST_CASE("FAULTS 44: a state that does not open is not an empty one") {
  Bench bench(migrated("configured"));
  OpenedState state = nothing_kept();
  state.unreadable = "state is damaged";
  bench.open(std::move(state));
  CHECK(bench.token() == "none");  // not the configured one, which may be older than what is in there
  CHECK(bench.tokens.why_none("office") == "its sign-in was kept in a state that does not open: state is damaged");
  CHECK(bench.tokens.status().health == StateHealth::unreadable);
  CHECK(bench.save().empty());
  // A sign-in is what a person decides.
  const auto change = bench.sign_in("r1");
  CHECK_FALSE(bench.save().empty());
  CHECK(bench.tokens.on_disk(change));
  CHECK(bench.token() == "r1");
}

TEST_CASE("a configured refresh token is the seed: the one that came of it wins, until another is configured") {
  Bench bench(migrated("seed"));
  bench.open();
  CHECK(bench.token() == "seed");
  CHECK(bench.save().empty());  // it is in its file
  const auto change = bench.refreshed("rotated", "owner@contoso.com");
  CHECK_FALSE(bench.save().empty());
  CHECK(bench.tokens.on_disk(change));
  bench.restart(migrated("seed"));
  CHECK(bench.token() == "rotated");
  bench.restart(migrated("another"));
  CHECK(bench.token() == "another");
  bench.refreshed("of-another");
  (void)bench.save();
  bench.restart(migrated("another"));
  CHECK(bench.token() == "of-another");
  // A sign-in wins too, until the file changes.
  bench.sign_in("signed-in");
  (void)bench.save();
  bench.restart(migrated("another"));
  CHECK(bench.token() == "signed-in");
  bench.restart(migrated("third"));
  CHECK(bench.token() == "third");
}

TEST_CASE("idle for 7 days, a token is due; the wall clock counts only across a restart") {
  Bench bench;
  bench.open();
  bench.sign_in("r1");
  (void)bench.save();
  CHECK(bench.tokens.next_idle() == bench.instant + 7 * 24h);
  bench.pass(7 * 24h - 1ms);
  CHECK(bench.tokens.idle(bench.instant).empty());
  bench.pass(1ms);
  CHECK(bench.tokens.idle(bench.instant) == std::vector<std::string>{"office"});
  (void)bench.refreshed("r2");
  CHECK(bench.tokens.idle(bench.instant).empty());
  (void)bench.save();

  bench.pass(24h * 5);
  bench.restart(delegated());
  CHECK(bench.tokens.next_idle() == bench.instant + 2 * 24h);
  bench.pass(24h * 90);
  bench.restart(delegated());
  CHECK(*bench.tokens.next_idle() <= bench.instant + 10min);  // overdue: soon, but not all at once
  bench.tokens.refused("office");
  CHECK_FALSE(bench.tokens.next_idle().has_value());  // no use in asking on
}

TEST_CASE("FAULTS 45: a wall clock that is years off neither drops a token nor puts its refresh off") {
  for (const auto step : {-24h, 24h, -24h * 365 * 30, 24h * 365 * 30}) {
    Bench bench;
    bench.open();
    bench.sign_in("r1");
    (void)bench.save();
    bench.wall += step;
    bench.pass(1h);
    CHECK(bench.tokens.next_idle() == start() + 7 * 24h);  // not by the wall clock
    bench.restart(delegated());
    CHECK(bench.token() == "r1");
    CHECK(*bench.tokens.next_idle() <= bench.instant + 7 * 24h);
  }
}
