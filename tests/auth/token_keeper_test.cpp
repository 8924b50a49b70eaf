#include "auth/token_keeper.h"

#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::make_settings;
using saslift::tests::start;

namespace {

using Keys = std::vector<TokenKey>;

TokenKey key_of(std::string_view identity) { return {.identity = std::string(identity), .subject = {}}; }

enum class Said { token, wait, identity_refused, token_unavailable, other };

TokenOutcome token(std::string_view text, Duration life = 1h) {
  Token token;
  token.access_token = config::Secret(text);
  token.life = life;
  return token;
}

TokenOutcome failure(TokenErrorKind kind, std::string name, std::optional<Duration> retry_after = std::nullopt) {
  TokenError error;
  error.kind = kind;
  error.error = std::move(name);
  error.retry_after = retry_after;
  return std::unexpected(std::move(error));
}

TokenOutcome outage(std::optional<Duration> retry_after = std::nullopt) {
  return failure(TokenErrorKind::temporary, "not_json", retry_after);
}

struct Bench {
  config::Settings settings = make_settings();
  RefreshTokens refresh_tokens{settings};
  TokenKeeper keeper{settings, refresh_tokens, 42};
  Instant now = start();

  Said ask(std::string_view identity = "office", std::uint64_t newer_than = 0) {
    return ask_until(now + 10s, identity, newer_than);
  }
  Said ask_until(Instant until, std::string_view identity = "office", std::uint64_t newer_than = 0) {
    last = keeper.ask({.key = key_of(identity), .until = until, .newer_than = newer_than}, now);
    if (std::holds_alternative<TokenInHand>(last)) return Said::token;
    if (std::holds_alternative<TokenPending>(last)) return Said::wait;
    switch (std::get<TokenDenied>(last).failure) {
      case LoginFailure::identity_refused:
        return Said::identity_refused;
      case LoginFailure::token_unavailable:
        return Said::token_unavailable;
      default:
        return Said::other;
    }
  }
  std::optional<FetchReport> fetched(std::string_view identity, TokenOutcome outcome) {
    return keeper.fetched(key_of(identity), std::move(outcome), {.instant = now, .wall = {}});
  }
  static TokenUse use(std::uint64_t id, std::string door = "imap scans@contoso.com") {
    return {.key = key_of("office"), .id = id, .door = std::move(door)};
  }
  std::uint64_t id() const { return std::get<TokenInHand>(last).id; }
  // A first token in hand and used, `now` being when it was asked for.
  void have_token(Duration life = 1h) {
    REQUIRE(ask() == Said::wait);
    REQUIRE(fetches() == 1);
    REQUIRE(fetched("office", token("first", life)).has_value());
    REQUIRE(ask() == Said::token);
  }
  std::size_t fetches() { return keeper.take_fetches().size(); }
  // Runs the alarm clock up to `until`, answering no fetch.
  void run_to(Instant until) {
    while (const auto wake = keeper.wake_at()) {
      if (*wake > until) break;
      now = std::max(now, *wake);
      keeper.tick(now);
    }
    now = until;
  }

  TokenAnswer last = TokenPending{};
};

}  // namespace

TEST_CASE("FAULTS 39: however many logins wait, an identity has one fetch at a time") {
  for (const int logins : {50, 500}) {
    Bench bench;
    for (int i = 0; i < logins; ++i) CHECK(bench.ask() == Said::wait);
    CHECK(bench.keeper.take_fetches() == Keys{key_of("office")});
    CHECK(bench.fetched("office", token("t")).has_value());
    for (int i = 0; i < logins; ++i) CHECK(bench.ask() == Said::token);
    CHECK(bench.fetches() == 0);
  }
}

TEST_CASE("FAULTS 46: identities share nothing, and token ids are unique and increasing") {
  Bench bench;
  CHECK(bench.ask("office") == Said::wait);
  CHECK(bench.ask("plant") == Said::wait);
  CHECK(bench.keeper.take_fetches() == Keys{key_of("office"), key_of("plant")});
  (void)bench.fetched("plant", token("of-plant"));
  CHECK(bench.ask("office") == Said::wait);
  CHECK(bench.ask("plant") == Said::token);
  const std::uint64_t plant = bench.id();
  (void)bench.fetched("office", token("of-office"));
  CHECK(bench.ask("office") == Said::token);
  CHECK(bench.id() > plant);
  CHECK(bench.keeper.copy_of_token(key_of("office")).reveal() == "of-office");
  CHECK(bench.keeper.copy_of_token(key_of("plant")).reveal() == "of-plant");
  CHECK(bench.keeper.copy_of_token(key_of("nobody")).empty());
}

TEST_CASE("a token's life counts from before the request") {
  Bench bench;
  CHECK(bench.ask() == Said::wait);
  bench.now += 9s;
  const auto report = bench.fetched("office", token("t", 100s));
  REQUIRE(report.has_value());
  CHECK(report->took == Duration(9s));
  CHECK(report->life_left == Duration(91s));
  CHECK(bench.keeper.life_left(key_of("office"), bench.now) == Duration(91s));
  CHECK_FALSE(bench.keeper.life_left(key_of("office"), start() + 100s).has_value());
}

TEST_CASE("a used token is refreshed ahead at min(600 s, life/4)") {
  const std::vector<std::pair<Duration, Duration>> rows = {{3600s, 600s}, {2400s, 600s}, {600s, 150s}, {60s, 15s}};
  for (const auto& [life, ahead] : rows) {
    Bench bench;
    bench.have_token(life);
    CHECK(bench.keeper.wake_at() == start() + life - ahead);
    bench.run_to(start() + life - ahead - 1ms);
    CHECK(bench.fetches() == 0);
    CHECK(bench.ask() == Said::token);
    bench.run_to(start() + life - ahead);
    CHECK(bench.fetches() == 1);
    CHECK(bench.ask() == Said::wait);
    (void)bench.fetched("office", token("second"));
    CHECK(bench.ask() == Said::token);
    CHECK(bench.id() == 2);
  }
}

TEST_CASE("a token that nobody used is not refreshed") {
  Bench bench;
  CHECK(bench.ask() == Said::wait);
  (void)bench.fetches();
  (void)bench.fetched("office", token("t"));
  CHECK_FALSE(bench.keeper.wake_at().has_value());
  bench.now += 2h;
  bench.keeper.tick(bench.now);
  CHECK(bench.fetches() == 0);
  CHECK(bench.ask() == Said::wait);
  CHECK(bench.fetches() == 1);
}

TEST_CASE("FAULTS 36: near its end a login waits for the fetch; if that fails, 30 s of life are enough") {
  Bench bench;
  bench.have_token();
  bench.now = start() + 3000s;
  CHECK(bench.ask() == Said::wait);
  bench.now += 9s;
  CHECK(bench.ask_until(start() + 3010s) == Said::wait);
  SECTION("the fetch fails") { (void)bench.fetched("office", outage()); }
  SECTION("the fetch is refused for good") {
    (void)bench.fetched("office", failure(TokenErrorKind::permanent, "invalid_client"));
  }
  SECTION("the login has waited long enough") { bench.now = start() + 3010s; }
  CHECK(bench.ask_until(start() + 3010s) == Said::token);
  CHECK(bench.id() == 1);
}

TEST_CASE("FAULTS 36: with less than 30 s of life a token is not served") {
  for (const auto& [left, said] :
       std::vector<std::pair<Duration, Said>>{{30s, Said::token}, {29'999ms, Said::token_unavailable}}) {
    Bench bench;
    bench.have_token();
    bench.now = start() + 1h - left;
    CHECK(bench.ask() == Said::wait);
    (void)bench.fetched("office", outage(300s));
    CHECK(bench.ask() == said);
  }
}

TEST_CASE("FAULTS 36: Retry-After is honoured up to an hour") {
  const std::vector<std::pair<Duration, Duration>> rows = {{60s, 60s},   {120s, 120s}, {30min, 30min},
                                                           {24h, 3600s}, {-5s, 0s},    {0s, 0s}};
  for (const auto& [asked, least] : rows) {
    Bench bench;
    CHECK(bench.ask() == Said::wait);
    (void)bench.fetches();
    const auto report = bench.fetched("office", outage(asked));
    CHECK(report->pause >= least);
    CHECK(report->pause <= 3600s + 360s);
    if (least == 0s) continue;
    bench.now += least - 11s;
    CHECK(bench.ask() == Said::token_unavailable);
    CHECK(bench.fetches() == 0);
    bench.now = start() + report->pause;
    CHECK(bench.ask() == Said::wait);
    CHECK(bench.fetches() == 1);
  }
}

TEST_CASE("FAULTS 36: back-off doubles to 5 min, with jitter from the seed") {
  std::vector<Duration> pauses;
  std::vector<Duration> same;
  for (auto* list : {&pauses, &same}) {
    Bench bench;
    for (int i = 0; i < 20; ++i) {
      CHECK(bench.ask() == Said::wait);
      CHECK(bench.fetches() == 1);
      const auto report = bench.fetched("office", outage());
      list->push_back(report->pause);
      bench.now += report->pause;
    }
  }
  CHECK(pauses == same);
  Duration most = 1s;
  for (const Duration pause : pauses) {
    CHECK(pause >= most / 2);
    CHECK(pause <= most);
    most = std::min<Duration>(most * 2, 300s);
  }
  CHECK(pauses[18] != pauses[19]);
}

TEST_CASE("a login waits through a short back-off and gets the token of the second fetch") {
  Bench bench;
  CHECK(bench.ask() == Said::wait);
  (void)bench.fetches();
  const auto report = bench.fetched("office", outage());
  CHECK(bench.ask_until(start() + 10s) == Said::wait);
  CHECK(bench.fetches() == 0);
  REQUIRE(bench.keeper.wake_at() == start() + report->pause);
  bench.run_to(start() + report->pause);
  CHECK(bench.fetches() == 1);
  (void)bench.fetched("office", token("t"));
  CHECK(bench.ask_until(start() + 10s) == Said::token);
  CHECK_FALSE(bench.keeper.last_error(key_of("office")).has_value());
}

TEST_CASE("nobody waits any more: the end of the back-off starts no fetch") {
  Bench bench;
  CHECK(bench.ask_until(start() + 2s) == Said::wait);
  (void)bench.fetches();
  (void)bench.fetched("office", outage(1s));
  CHECK(bench.ask_until(start() + 2s) == Said::wait);
  bench.now = start() + 20s;
  bench.keeper.tick(bench.now);
  CHECK(bench.fetches() == 0);
}

TEST_CASE("FAULTS 38: a permanent error is remembered for at least 60 s, without a retry storm") {
  Bench bench;
  CHECK(bench.ask() == Said::wait);
  (void)bench.fetches();
  const auto report = bench.fetched("office", failure(TokenErrorKind::permanent, "invalid_client"));
  CHECK(report->pause >= 60s);
  for (int second = 0; second < 60; ++second) {
    bench.now = start() + std::chrono::seconds(second);
    bench.keeper.tick(bench.now);
    CHECK(bench.ask() == Said::identity_refused);
  }
  CHECK(bench.fetches() == 0);
  CHECK(bench.keeper.last_error(key_of("office"))->error == "invalid_client");
  CHECK_FALSE(bench.keeper.may_fetch(key_of("office"), bench.now));
  bench.now = start() + report->pause;
  CHECK(bench.keeper.may_fetch(key_of("office"), bench.now));
  CHECK(bench.ask() == Said::wait);
  CHECK(bench.fetches() == 1);
  (void)bench.fetched("office", token("t"));
  CHECK(bench.ask() == Said::token);
  CHECK_FALSE(bench.keeper.last_error(key_of("office")).has_value());
}

TEST_CASE("FAULTS 37: a login waits at most until its time, the fetch goes on") {
  Bench bench;
  CHECK(bench.ask_until(start() + 10s) == Said::wait);
  bench.now += 9'999ms;
  CHECK(bench.ask_until(start() + 10s) == Said::wait);
  bench.now += 1ms;
  CHECK(bench.ask_until(start() + 10s) == Said::token_unavailable);
  CHECK(bench.fetches() == 1);
  (void)bench.fetched("office", token("t"));
  CHECK(bench.ask() == Said::token);
}

TEST_CASE("a report without a fetch changes nothing") {
  Bench bench;
  CHECK_FALSE(bench.fetched("office", token("stray")).has_value());
  CHECK(bench.ask() == Said::wait);
  CHECK(bench.fetches() == 1);
}

TEST_CASE("FAULTS 40: when a refused token is worth a newer one") {
  enum class GotIn { nobody, others, same_mailbox, same_mailbox_by_smtp };
  struct Row {
    std::string when;
    Duration age;
    int json_status;
    GotIn got_in;
    bool newer;
  };
  const std::vector<Row> rows = {
      {"young, no JSON", 299s, 0, GotIn::nobody, false},
      {"exactly five minutes", 300s, 0, GotIn::nobody, false},
      {"old", 301s, 0, GotIn::nobody, true},
      {"young, JSON 401", 1s, 401, GotIn::nobody, true},
      {"young, JSON 400", 1s, 400, GotIn::nobody, true},
      {"young, JSON 403", 1s, 403, GotIn::nobody, false},
      {"old, but others got in", 301s, 0, GotIn::others, false},
      {"JSON 401, others got in", 1s, 401, GotIn::others, true},
      {"JSON 403, others got in", 1s, 403, GotIn::others, false},
      {"no JSON, this mailbox got in before", 1s, 0, GotIn::same_mailbox, true},
      {"no JSON, this mailbox got in by another protocol", 1s, 0, GotIn::same_mailbox_by_smtp, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.when);
    Bench bench;
    bench.have_token();
    if (row.got_in == GotIn::others) bench.keeper.logged_in_with(bench.use(1, "imap other@contoso.com"));
    if (row.got_in == GotIn::same_mailbox) bench.keeper.logged_in_with(bench.use(1));
    if (row.got_in == GotIn::same_mailbox_by_smtp) bench.keeper.logged_in_with(bench.use(1, "smtp scans@contoso.com"));
    bench.now += row.age;
    CHECK(bench.keeper.may_ask_newer({.use = bench.use(1), .json_status = row.json_status}, bench.now) == row.newer);
    CHECK(bench.fetches() == (row.newer ? 1U : 0U));
    CHECK(bench.ask() == Said::token);  // the others keep theirs
    if (row.newer) {
      CHECK(bench.ask("office", 1) == Said::wait);
      (void)bench.fetched("office", token("newer"));
      CHECK(bench.ask("office", 1) == Said::token);
      CHECK(bench.id() == 2);
    }
  }
}

TEST_CASE("FAULTS 40: one fetch after a refusal in 10 min, an older id gets the newer token at once") {
  Bench bench;
  bench.have_token();
  CHECK(bench.keeper.may_ask_newer({.use = bench.use(1), .json_status = 401}, bench.now));
  CHECK(bench.keeper.may_ask_newer({.use = bench.use(1), .json_status = 401}, bench.now));  // joins it
  CHECK(bench.fetches() == 1);
  (void)bench.fetched("office", token("newer"));
  CHECK(bench.keeper.may_ask_newer({.use = bench.use(1), .json_status = 0}, bench.now));
  CHECK(bench.ask("office", 1) == Said::token);
  bench.now = start() + 10min - 1ms;
  CHECK_FALSE(bench.keeper.may_ask_newer({.use = bench.use(2), .json_status = 401}, bench.now));
  CHECK(bench.fetches() == 0);
  bench.now = start() + 10min;
  CHECK(bench.keeper.may_ask_newer({.use = bench.use(2), .json_status = 401}, bench.now));
  CHECK(bench.fetches() == 1);
}

TEST_CASE("FAULTS 40: a token ended early by the provider is replaced, however many it had let in") {
  Bench bench;
  bench.have_token();
  for (int mailbox = 0; mailbox < 100; ++mailbox)
    bench.keeper.logged_in_with(bench.use(1, "imap m" + std::to_string(mailbox)));
  // All of them come back and are refused: the first asks, the others join it.
  std::size_t fetches = 0;
  for (int mailbox = 0; mailbox < 100; ++mailbox) {
    const auto use = bench.use(1, "imap m" + std::to_string(mailbox));
    CHECK(bench.keeper.may_ask_newer({.use = use, .json_status = 0}, bench.now));
    CHECK(bench.ask("office", 1) == Said::wait);
    fetches += bench.fetches();
  }
  CHECK(fetches == 1);
  (void)bench.fetched("office", token("newer"));
  for (int mailbox = 0; mailbox < 100; ++mailbox) CHECK(bench.ask("office", 1) == Said::token);
  CHECK(bench.id() == 2);
}

TEST_CASE("FAULTS 40: one mailbox that is refused all the time costs one fetch in 10 min and nobody a token") {
  Bench bench;
  bench.have_token();
  std::size_t fetches = 0;
  for (int minute = 0; minute < 120; ++minute) {
    bench.now = start() + std::chrono::minutes(minute);
    bench.keeper.tick(bench.now);
    if (bench.fetches() != 0) (void)bench.fetched("office", token("ahead"));  // refreshed in time, as ever
    REQUIRE(bench.ask() == Said::token);                                      // the good mailbox never waits
    bench.keeper.logged_in_with(bench.use(bench.id(), "imap good@contoso.com"));
    const auto refused = bench.use(bench.id(), "imap bad@contoso.com");
    if (!bench.keeper.may_ask_newer({.use = refused, .json_status = 401}, bench.now)) continue;
    fetches += bench.fetches();
    REQUIRE(bench.ask() == Said::token);
    if (minute % 2 == 0) {
      (void)bench.fetched("office", token("newer"));
    } else {
      (void)bench.fetched("office", outage(1s));
    }
  }
  CHECK(fetches == 12);
}

TEST_CASE("FAULTS 40: a token that ended between grant and refusal is simply replaced") {
  Bench bench;
  bench.have_token();
  bench.keeper.logged_in_with(bench.use(1));
  bench.now = start() + 1h;
  CHECK(bench.keeper.may_ask_newer({.use = bench.use(1), .json_status = 0}, bench.now));
  CHECK(bench.ask("office", 1) == Said::wait);
  CHECK(bench.fetches() == 1);
}

TEST_CASE("FAULTS 53: a provider that echoes the client secret does not bring it into the log") {
  for (const char* echo : {"you sent canary+secret/office!", "you sent canary%2Bsecret%2Foffice!"}) {
    Bench bench;
    CHECK(bench.ask() == Said::wait);
    TokenError error;
    error.error = "invalid_client";
    error.kind = TokenErrorKind::permanent;
    error.description = echo;
    const auto report = bench.fetched("office", std::unexpected(std::move(error)));
    CHECK(report->error->description == "(withheld)");
    CHECK(bench.keeper.last_error(key_of("office"))->description == "(withheld)");
    CHECK(report->error->error == "invalid_client");
  }
}
