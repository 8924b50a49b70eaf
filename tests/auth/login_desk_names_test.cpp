// The desk on names, the two encodings of a password, the two names of a mailbox, and what servers say after login.
#include "catch.h"
#include "desk_bench.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using tests::DeskBench;

namespace {

config::Settings settings_with(config::Account account) {
  config::Settings settings = tests::make_settings();
  settings.accounts.insert_or_assign(account.name, std::move(account));
  return settings;
}

config::Settings settings_with_upn() {
  config::Account team = tests::make_account("team", "team");
  team.upn = "team.mailbox@contoso.onmicrosoft.com";
  team.shared = {"post@contoso.com"};
  return settings_with(std::move(team));
}

std::string first_answer(DeskBench& bench, SessionId session, const std::string& login = "team") {
  bench.ask(session, login);
  while (!bench.hashes.empty()) bench.hash();
  if (!bench.fetches.empty()) {
    bench.fetches.clear();
    bench.token();
  }
  if (!bench.lookups.empty()) {
    bench.lookups.clear();
    bench.resolved();
  }
  const Granted* granted = bench.granted(session);
  return granted != nullptr ? granted->mailbox : bench.failure(session);
}

void refuse_token(DeskBench& bench, SessionId session) {
  bench.tell(TokenRefused{
      .session = session, .token_id = bench.granted(session)->token_id, .server_words = "NO AUTHENTICATE failed."});
}

}  // namespace

TEST_CASE("several accounts, each with its own password, open one mailbox") {
  config::Settings settings = tests::make_settings();
  for (const std::string name : {"lobby", "roof"}) {
    config::Account account = tests::make_account(name, name);
    account.mailbox = "scans@contoso.com";
    settings.accounts.emplace(name, std::move(account));
  }
  DeskBench bench(std::move(settings));
  bench.ask(1, "lobby");
  REQUIRE(bench.hashes.size() == 1);
  CHECK(bench.hashes[0].phc == "$argon2id$hash-of-lobby");
  bench.hash();
  bench.token();
  bench.resolved();
  bench.ask(2, "roof");
  REQUIRE(bench.hashes.size() == 1);
  CHECK(bench.hashes[0].phc == "$argon2id$hash-of-roof");
  bench.hash();
  REQUIRE(bench.granted(1) != nullptr);
  REQUIRE(bench.granted(2) != nullptr);
  CHECK(bench.granted(1)->mailbox == "scans@contoso.com");
  CHECK(bench.granted(2)->mailbox == "scans@contoso.com");
  // The password of one does not open the other.
  bench.ask(3, "roof");
  CHECK(bench.granted(3) != nullptr);
  bench.tell(DeskBench::question(4, "lobby", "roof's password"));
  bench.hash(HashOutcome::differs);
  CHECK(bench.failure(4) == "bad_credentials");
}

TEST_CASE("a shared mailbox is opened with the user's password, and only where the account lists it") {
  DeskBench bench(settings_with_upn());
  CHECK(first_answer(bench, 1, "CONTOSO\\team\\post") == "post@contoso.com");
  bench.ask(2, "team/boss@contoso.com");
  REQUIRE(bench.hashes.size() == 1);
  CHECK(bench.hashes[0].phc == "$argon2id$hash-of-team");
  bench.hash(HashOutcome::matches);
  CHECK(bench.failure(2) == "bad_credentials");
  CHECK(bench.logged("login_refused", "detail") == "the account's shared does not list this mailbox");
  // A shared mailbox has no upn: the second try is not for it.
  refuse_token(bench, 1);
  CHECK(bench.failure(1) == "identity_refused");
}

TEST_CASE("a mailbox whose address fails is tried once by its upn, and by that first from then on") {
  DeskBench bench(settings_with_upn());
  CHECK(first_answer(bench, 1) == "team@contoso.com");
  refuse_token(bench, 1);
  REQUIRE(bench.granted(1) != nullptr);
  CHECK(bench.granted(1)->mailbox == "team.mailbox@contoso.onmicrosoft.com");
  CHECK(bench.granted(1)->access_token.reveal() == "canary-token");
  CHECK(bench.fetches.empty());
  bench.tell(LoginSucceeded{.session = 1, .token_id = bench.granted(1)->token_id, .times = {}});
  CHECK(bench.logged("login_succeeded", "upn") == "team.mailbox@contoso.onmicrosoft.com");
  CHECK(bench.logged("login_succeeded", "mailbox") == "team@contoso.com");
  CHECK(first_answer(bench, 2) == "team.mailbox@contoso.onmicrosoft.com");

  SECTION("should that fail one day, the address is tried once") {
    refuse_token(bench, 2);
    bench.token("newer-token");  // it had got in with this one: a newer one is asked for as well
    REQUIRE(bench.granted(2) != nullptr);
    CHECK(bench.granted(2)->mailbox == "team@contoso.com");
    refuse_token(bench, 2);
    CHECK(bench.failure(2) == "identity_refused");
  }
}

TEST_CASE("a third try there is not, and no second one without time for it") {
  DeskBench bench(settings_with_upn());
  CHECK(first_answer(bench, 1) == "team@contoso.com");
  refuse_token(bench, 1);
  refuse_token(bench, 1);
  CHECK(bench.failure(1) == "identity_refused");
  bench.ask(2, "team");
  CHECK(bench.failure(2) == "identity_refused");  // remembered for a minute
  bench.pass(61s);
  CHECK(first_answer(bench, 3) == "team@contoso.com");
  bench.pass(15s);
  refuse_token(bench, 3);
  CHECK(bench.failure(3) == "token_unavailable");
}

TEST_CASE("where a newer token is due as well, the second try has both") {
  DeskBench bench(settings_with_upn());
  CHECK(first_answer(bench, 1) == "team@contoso.com");
  bench.pass(6min);
  CHECK(first_answer(bench, 2) == "team@contoso.com");
  refuse_token(bench, 2);
  REQUIRE(bench.fetches.size() == 1);
  bench.token("newer-token");
  CHECK(bench.granted(2)->mailbox == "team.mailbox@contoso.onmicrosoft.com");
  CHECK(bench.granted(2)->access_token.reveal() == "newer-token");
}

TEST_CASE("authenticated but not connected: named in the log, and the next login takes the other name") {
  DeskBench bench(settings_with_upn());
  CHECK(first_answer(bench, 1) == "team@contoso.com");
  bench.tell(LoginSucceeded{.session = 1, .token_id = bench.granted(1)->token_id, .times = {}});
  bench.tell(ServerSaid{
      .session = 1, .protocol = config::Protocol::imap, .words = "A02 BAD User is authenticated but not connected."});
  CHECK(bench.logged("server_refused", "cause") == "the login counts, but the mailbox does not open");
  CHECK(bench.logged("server_refused", "remedy").find("FullAccess") != std::string::npos);
  CHECK(bench.logged("server_refused", "detail") == "A02 BAD User is authenticated but not connected.");
  CHECK(bench.logged("server_refused", "account") == "team");
  CHECK(bench.logged("server_refused", "session") == "00000001");
  CHECK(bench.log.back().level == config::LogLevel::warning);
  CHECK(first_answer(bench, 2) == "team.mailbox@contoso.onmicrosoft.com");
  CHECK(first_answer(bench, 3, "second") == "second@contoso.com");
}

TEST_CASE("a token's end is no alarm, and what is said of a session unknown here is still logged") {
  DeskBench bench;
  bench.tell(ServerSaid{
      .session = 9, .protocol = config::Protocol::imap, .words = "* BYE Session invalidated - AccessTokenExpired"});
  CHECK(bench.logged("server_refused", "cause") == "the token ended during the session");
  CHECK(bench.log.back().level == config::LogLevel::info);
}

TEST_CASE("a password beyond ASCII is hashed once more in the other encoding; for unknown logins too") {
  DeskBench bench;
  const std::string latin1 = "M\xFCnchen";
  const auto tried = [&](SessionId session, const std::string& login, HashOutcome second) {
    bench.tell(DeskBench::question(session, login, latin1));
    REQUIRE(bench.hashes.size() == 1);
    CHECK(bench.hashes[0].password.reveal() == latin1);
    const std::string phc = bench.hashes[0].phc;
    bench.hash(HashOutcome::differs);
    REQUIRE(bench.hashes.size() == 1);
    CHECK(bench.hashes[0].password.reveal() == "M\xC3\xBCnchen");
    CHECK(bench.hashes[0].phc == phc);
    bench.hash(second);
    CHECK(bench.hashes.empty());
  };
  tried(1, "scanner", HashOutcome::matches);
  bench.token();
  bench.resolved();
  CHECK(bench.granted(1) != nullptr);
  tried(2, "second", HashOutcome::differs);
  CHECK(bench.failure(2) == "bad_credentials");
  tried(3, "nobody", HashOutcome::differs);
  CHECK(bench.failure(3) == "bad_credentials");
  // What was right in the other encoding is remembered as it was sent.
  bench.tell(DeskBench::question(4, "scanner", latin1));
  CHECK(bench.hashes.empty());
  CHECK(bench.granted(4) != nullptr);
  // From a wrong address even the right password costs both hashes.
  bench.tell(DeskBench::question(5, "walled", latin1));
  bench.hash(HashOutcome::matches);
  CHECK(bench.answer(5) == nullptr);
  bench.hash(HashOutcome::matches);
  CHECK(bench.failure(5) == "bad_credentials");
  // ASCII is hashed once.
  bench.ask(6, "nobody");
  bench.hash(HashOutcome::differs);
  CHECK(bench.hashes.empty());
  CHECK(bench.failure(6) == "bad_credentials");
}

TEST_CASE("a POP3 login line of more than 4096 bytes is warned of once a token, and counted each time") {
  config::Settings settings = tests::make_settings();
  settings.identities.at("office").provider.pop3 = config::Endpoint{"imap.example", 995, config::UpstreamTls::implicit};
  DeskBench bench(std::move(settings));
  const auto log_in = [&](SessionId session, const std::string& token) {
    LoginQuestion asked = DeskBench::question(session);
    asked.protocol = config::Protocol::pop3;
    bench.tell(std::move(asked));
    if (!bench.hashes.empty()) bench.hash();
    if (!bench.fetches.empty()) {
      bench.fetches.clear();
      bench.token(token);
      bench.resolved();
    }
    REQUIRE(bench.granted(session) != nullptr);
  };
  const std::string user = "reception@contoso.com";
  const std::size_t frame = std::string("user=\1auth=Bearer \1\1").size();
  SECTION("3072 bytes are 4096 in base64: within") {
    log_in(1, std::string(3072 - frame - user.size(), 't'));
    CHECK(bench.count("token_too_long_for_pop3") == 0);
    CHECK(bench.desk.status(bench.now).large_logins == 0);
  }
  SECTION("one more is beyond") {
    log_in(1, std::string(3073 - frame - user.size(), 't'));
    CHECK(bench.count("token_too_long_for_pop3") == 1);
    CHECK(bench.logged("token_too_long_for_pop3", "bytes") == "4100");
    log_in(2, "");
    CHECK(bench.count("token_too_long_for_pop3") == 1);
    CHECK(bench.desk.status(bench.now).large_logins == 2);
    bench.log_in(3);  // IMAP: no matter
    CHECK(bench.desk.status(bench.now).large_logins == 2);
  }
}
