#include "auth/login_log.h"
#include "desk_bench.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::DeskBench;
using saslift::tests::make_settings;
using saslift::tests::start;

namespace {

constexpr std::string_view expired_secret =
    R"({"error":"invalid_client","error_description":"AADSTS7000222: expired.","correlation_id":"c0ffee"})";

// Session `session` granted with the token in hand.
void grant(DeskBench& bench, SessionId session, const std::string& login = "scanner") {
  bench.ask(session, login);
  if (!bench.hashes.empty()) bench.hash();
  if (!bench.fetches.empty()) {
    bench.fetches.clear();
    bench.token();
  }
  if (!bench.lookups.empty()) {
    bench.lookups.clear();
    bench.resolved();
  }
  REQUIRE(bench.granted(session) != nullptr);
  bench.answers.clear();
}

TokenRefused refused(SessionId session, int json_status = 0) {
  return {.session = session, .token_id = 1, .server_words = "A1 NO AUTHENTICATE failed.", .json_status = json_status};
}

}  // namespace

TEST_CASE("FAULTS 45: a clock that is not the token endpoint's is told in the log") {
  using std::chrono::seconds;
  for (const auto& [ahead, told] : {std::pair(seconds(301), true), std::pair(seconds(-86400), true),
                                    std::pair(seconds(300), false), std::pair(seconds(-300), false)}) {
    TokenReply reply;
    reply.clock_ahead = ahead;
    const auto event = clock_differs({.identity = "office", .subject = {}}, FetchOutcome(std::move(reply)));
    CHECK(event.has_value() == told);
  }
  CHECK_FALSE(clock_differs({}, FetchOutcome(TokenReply{})));
  CHECK_FALSE(clock_differs({}, std::unexpected(FetchError{})));
  DeskBench bench;
  bench.ask(0x7f3a);
  bench.hash();
  bench.fetched(expired_secret, 401, "office", seconds(-301));
  CHECK(bench.logged("clock_differs", "identity") == "office");
  CHECK(bench.logged("clock_differs", "seconds_ahead") == "-301");
}

TEST_CASE("FAULTS 38: a permanent refusal is told as such, logged with its cause and not asked again") {
  DeskBench bench;
  bench.ask(0x7f3a);
  bench.hash();
  bench.fetched(expired_secret, 401);
  CHECK(bench.failure(0x7f3a) == "identity_refused");
  CHECK(bench.denied(0x7f3a)->sentence ==
        "The app identity 'office' was refused by its provider; ask your administrator");
  CHECK(bench.logged("token_fetch_failed", "identity") == "office");
  CHECK(bench.logged("token_fetch_failed", "reason") == "invalid_client");
  CHECK(bench.logged("token_fetch_failed", "detail") == "AADSTS7000222: expired.");
  CHECK(bench.logged("token_fetch_failed", "correlation_id") == "c0ffee");
  CHECK(bench.logged("token_fetch_failed", "cause") == "the client secret has expired");
  CHECK(bench.logged("login_refused", "session") == "00007f3a");
  CHECK(bench.logged("login_refused", "account") == "reception");
  CHECK(bench.logged("login_refused", "reason") == "identity_refused");
  CHECK(bench.logged("login_refused", "remedy") == "make a new secret for the app and put it in its file");
  CHECK(bench.desk.status(bench.now).identities[0].last_error == "invalid_client: AADSTS7000222: expired.");
  CHECK_FALSE(bench.desk.status(bench.now).identities[0].usable);
  bench.fetches.clear();
  for (SessionId session = 1; session < 12; ++session) {
    bench.pass(5s);
    bench.ask(session);
    CHECK(bench.failure(session) == "identity_refused");
  }
  CHECK(bench.fetches.empty());
}

TEST_CASE("FAULTS 36: whatever the endpoint's outage looks like, it is told as temporary") {
  const std::vector<std::pair<int, std::string>> rows = {
      {503, "down"},   {429, "Too Many Requests"},           {200, ""},
      {200, "<html>"}, {200, R"({"error":"server_error"})"}, {500, "{}"}};
  for (const auto& [status, body] : rows) {
    CAPTURE(status, body);
    DeskBench bench;
    bench.ask(1);
    bench.hash();
    bench.resolved();
    for (int round = 0; round < 30 && bench.answers.empty(); ++round) {
      if (!bench.fetches.empty()) {
        bench.fetches.clear();
        bench.fetched(body, status);
      }
      bench.pass(1s);
    }
    CHECK(bench.failure(1) == "token_unavailable");
    CHECK(bench.now - start() <= 11s);
    CHECK(bench.denied(1)->sentence == "The sign-in service of app identity 'office' is unavailable; try again later");
  }
}

TEST_CASE("FAULTS 36: one failed fetch in mid-login is not noticed by the client") {
  DeskBench bench;
  bench.ask(1);
  bench.hash();
  bench.resolved();
  bench.fetches.clear();
  bench.fetched("down", 503);
  CHECK(bench.answers.empty());
  bench.pass(2s);
  REQUIRE(bench.fetches.size() == 1);
  bench.token();
  CHECK(bench.granted(1) != nullptr);
}

TEST_CASE("FAULTS 36, 37: a cached token serves while the endpoint is down") {
  DeskBench bench;
  bench.log_in(1);
  bench.pass(50min);
  REQUIRE(bench.fetches.size() == 1);  // ahead
  bench.fetched("down", 503);
  bench.ask(2);
  bench.resolved();
  REQUIRE(bench.granted(2) != nullptr);
  CHECK(bench.granted(2)->token_id == 1);
}

TEST_CASE("FAULTS 37: a fetch that hangs costs a login 10 s, not more") {
  DeskBench bench;
  bench.ask(1);
  bench.hash();
  bench.resolved();
  bench.pass(9'999ms);
  CHECK(bench.answers.empty());
  bench.pass(1ms);
  CHECK(bench.failure(1) == "token_unavailable");
  CHECK(bench.logged("login_refused", "milliseconds") == "10000");
}

TEST_CASE("every question is answered a second before the login's time is over, by what is missing") {
  SECTION("the hash") {
    DeskBench bench;
    bench.ask(1);
    bench.pass(23'999ms);
    CHECK(bench.answers.empty());
    bench.pass(1ms);
    CHECK(bench.failure(1) == "timeout");
  }
  SECTION("the address") {
    DeskBench bench;
    bench.ask(1);
    bench.hash();
    bench.token();
    bench.pass(23'999ms);
    CHECK(bench.answers.empty());
    bench.pass(1ms);
    CHECK(bench.failure(1) == "server_unreachable");
  }
  SECTION("the token, after a slow hash") {
    DeskBench bench;
    bench.ask(1);
    bench.pass(20s);
    bench.hash();
    bench.resolved();
    bench.pass(3'999ms);
    CHECK(bench.answers.empty());
    bench.pass(1ms);
    CHECK(bench.failure(1) == "token_unavailable");
  }
  SECTION("with a shorter login_timeout") {
    config::Settings settings = make_settings();
    settings.service.login_timeout = 5s;
    DeskBench bench(std::move(settings));
    bench.ask(1);
    bench.hash();
    bench.pass(4s);
    CHECK(bench.failure(1) == "token_unavailable");
  }
}

TEST_CASE("FAULTS 71: a name that is not found is temporary; the old address serves while DNS is down") {
  DeskBench bench;
  bench.ask(1);
  bench.hash();
  bench.token();
  bench.lookup_failed();
  CHECK(bench.failure(1) == "server_unreachable");
  CHECK(bench.denied(1)->sentence == "The mail server imap.example cannot be reached; try again later");
  CHECK(bench.logged("host_lookup_failed", "host") == "imap.example");
  CHECK(bench.logged("host_lookup_failed", "detail") == "SERVFAIL");
  bench.pass(2s);
  bench.ask(2);
  bench.resolved({});
  CHECK(bench.failure(2) == "server_unreachable");
  bench.pass(2s);
  bench.ask(3);
  bench.resolved();
  CHECK(bench.granted(3) != nullptr);
  bench.pass(61s);
  bench.ask(4);
  CHECK(bench.answer(4) == nullptr);
  bench.lookup_failed();
  REQUIRE(bench.granted(4) != nullptr);
  CHECK(bench.granted(4)->addresses == std::vector<std::string>{"192.0.2.1"});
  bench.pass(61s);
  bench.ask(5);
  bench.pass(2s);
  CHECK(bench.granted(5) != nullptr);
}

TEST_CASE("FAULTS 40: a mailbox without rights is refused for good and costs nobody the token") {
  DeskBench bench;
  bench.log_in(1);
  grant(bench, 2, "second");
  bench.now += 20min;
  bench.tell(refused(2, 0));
  CHECK(bench.failure(2) == "identity_refused");
  CHECK(bench.denied(2)->sentence ==
        "The mail server does not let the app identity 'office' open this mailbox by IMAP; ask your administrator");
  CHECK(bench.logged("login_refused", "detail") == "A1 NO AUTHENTICATE failed.");
  CHECK(bench.logged("login_refused", "cause") == "the token does not open this mailbox by IMAP");
  CHECK(bench.fetches.empty());

  // Remembered: answered at once and without a grant.
  bench.now += 59s;
  bench.ask(3, "second");
  CHECK(bench.failure(3) == "identity_refused");
  CHECK(bench.logged("login_refused", "detail") == "refused less than a minute ago: A1 NO AUTHENTICATE failed.");
  // Only for this mailbox and protocol.
  bench.ask(4);
  bench.resolved();
  CHECK(bench.granted(4)->token_id == 1);
  LoginQuestion by_smtp = DeskBench::question(5, "second");
  by_smtp.protocol = config::Protocol::smtp;
  bench.tell(std::move(by_smtp));
  bench.resolved({"192.0.2.2"}, "smtp.example");
  CHECK(bench.granted(5) != nullptr);
  bench.now += 1s;
  bench.ask(6, "second");
  CHECK(bench.granted(6) != nullptr);
}

TEST_CASE("FAULTS 40: called stale for one mailbox, a token that others get in with is asked for anew once") {
  DeskBench bench;
  bench.log_in(1);
  grant(bench, 2, "second");
  bench.now += 1s;
  bench.tell(refused(2, 401));
  REQUIRE(bench.fetches.size() == 1);
  bench.fetches.clear();
  bench.ask(3);
  CHECK(bench.granted(3)->token_id == 1);  // the others keep theirs meanwhile
  bench.token("newer-token");
  REQUIRE(bench.granted(2) != nullptr);
  CHECK(bench.granted(2)->token_id == 2);
  bench.tell(refused(2, 401));
  CHECK(bench.failure(2) == "identity_refused");
  CHECK(bench.fetches.empty());
  bench.ask(4);
  CHECK(bench.granted(4)->token_id == 2);
}

TEST_CASE("FAULTS 40: a stale token is replaced once, and the second answer comes in time") {
  DeskBench bench;
  grant(bench, 1);
  bench.now += 1s;
  bench.tell(refused(1, 401));
  CHECK(bench.answers.empty());
  REQUIRE(bench.fetches.size() == 1);
  bench.fetches.clear();
  bench.now += 1s;
  bench.token("newer-token");
  REQUIRE(bench.granted(1) != nullptr);
  CHECK(bench.granted(1)->token_id == 2);
  CHECK(bench.granted(1)->access_token.reveal() == "newer-token");
  // Refused again: the identity has had its fetch.
  bench.tell(refused(1, 401));
  CHECK(bench.failure(1) == "identity_refused");
  CHECK(bench.fetches.empty());
}

TEST_CASE("FAULTS 40: an older token is answered with the newer one at once") {
  DeskBench bench;
  grant(bench, 1);
  grant(bench, 2, "second");
  bench.tell(refused(1, 400));
  REQUIRE(bench.fetches.size() == 1);
  bench.token("newer-token");
  bench.answers.clear();
  bench.tell(refused(2));
  REQUIRE(bench.granted(2) != nullptr);
  CHECK(bench.granted(2)->token_id == 2);
  CHECK(bench.fetches.size() == 1);
}

TEST_CASE("FAULTS 40: without 10 s left there is no second try, and it is told as temporary") {
  SECTION("when the refusal comes") {
    DeskBench bench;
    grant(bench, 1);
    bench.pass(14'001ms);
    bench.tell(refused(1, 401));
    CHECK(bench.failure(1) == "token_unavailable");
    CHECK(bench.fetches.size() == 1);  // the next login has it
  }
  SECTION("just in time") {
    DeskBench bench;
    grant(bench, 1);
    bench.pass(13'999ms);
    bench.tell(refused(1, 401));
    CHECK(bench.answers.empty());
    bench.token("newer-token");
    CHECK(bench.granted(1) != nullptr);
  }
  SECTION("while the newer token is awaited") {
    DeskBench bench;
    grant(bench, 1);
    bench.pass(10s);
    bench.tell(refused(1, 401));
    bench.pass(3'999ms);
    CHECK(bench.answers.empty());
    bench.pass(1ms);
    CHECK(bench.failure(1) == "token_unavailable");
  }
  SECTION("the newer token is refused by the endpoint") {
    DeskBench bench;
    grant(bench, 1);
    bench.tell(refused(1, 401));
    bench.fetched(expired_secret, 401);
    CHECK(bench.failure(1) == "identity_refused");
  }
}

TEST_CASE("a refusal of a login nobody knows is answered, so that no worker waits") {
  DeskBench bench;
  bench.tell(refused(77));
  CHECK(bench.failure(77) == "token_unavailable");
  // Likewise one whose answer is still open.
  bench.ask(78);
  bench.tell(refused(78));
  CHECK(bench.failure(78) == "token_unavailable");
}

TEST_CASE("a login that dies in the worker is logged with its reference and remedy") {
  DeskBench bench;
  grant(bench, 0x10);
  bench.tell(LoginDied{.session = 0x10,
                       .failure = LoginFailure::server_unreachable,
                       .detail = "certificate of imap.example: hostname mismatch",
                       .times = {1, 250, 0}});
  CHECK(bench.logged("login_refused", "session") == "00000010");
  CHECK(bench.logged("login_refused", "reason") == "server_unreachable");
  CHECK(bench.logged("login_refused", "remedy") == "set ca_file if a firewall inspects TLS");
  CHECK(bench.logged("login_refused", "connect_ms") == "250");
  CHECK(bench.desk.status(bench.now).logins_refused == 1);
  bench.ask(0x10);  // the same connection tries again
  CHECK(bench.granted(0x10) != nullptr);
}

TEST_CASE("a token is refreshed ahead while logins are served, by one fetch") {
  DeskBench bench;
  bench.log_in(1);
  bench.pass(50min - 1ms);
  CHECK(bench.fetches.empty());
  bench.pass(1ms);
  CHECK(bench.fetches.size() == 1);
  bench.pass(5s);
  CHECK(bench.fetches.size() == 1);
  bench.token("second-token");
  CHECK(bench.desk.status(bench.now).identities[0].token_life_left == Duration(1h - 5s));
}

TEST_CASE("FAULTS 53: no secret reaches the log, a client or the status") {
  DeskBench bench;
  bench.log_in(1);
  bench.tell(DeskBench::question(2, "scanner", "canary-wrong"));
  bench.hash(HashOutcome::differs);
  bench.pass(2h);
  bench.fetches.clear();
  bench.fetched(R"({"error":"invalid_client","error_description":"AADSTS1: secret canary+secret/office is wrong"})",
                401);
  bench.ask(3);
  bench.ask(4, "machine");
  bench.hash();
  bench.token("canary-token", 3600, "plant");
  REQUIRE(bench.granted(4) != nullptr);
  const std::string told = bench.everything_told();
  REQUIRE(told.find("login_refused") != std::string::npos);
  CHECK(told.find("canary") == std::string::npos);
  CHECK(told.find("hash-of") == std::string::npos);
}

TEST_CASE("FAULTS 61: a client with old TLS is logged with the setting that would take it, and counted") {
  DeskBench bench;
  CHECK(bench.desk.status(bench.now).old_tls_clients == 0);
  bench.tell(OldTlsClient{
      .session = 0x7f3a, .listener = "smtp 127.0.0.1:1587", .client_address = "192.0.2.7", .offers = "TLS 1.0"});
  CHECK(bench.logged("old_tls_refused", "listener") == "smtp 127.0.0.1:1587");
  CHECK(bench.logged("old_tls_refused", "client") == "192.0.2.7");
  CHECK(bench.logged("old_tls_refused", "detail") == "client offers TLS 1.0; see legacy_tls");
  CHECK(bench.desk.status(bench.now).old_tls_clients == 1);
}
