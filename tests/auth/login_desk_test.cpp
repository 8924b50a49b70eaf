#include "auth/login_desk.h"

#include "desk_bench.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::DeskBench;
using saslift::tests::make_settings;
using saslift::tests::start;

TEST_CASE("a login: hash, then token and name side by side, then the grant") {
  DeskBench bench;
  bench.ask(7);
  REQUIRE(bench.hashes.size() == 1);
  CHECK(bench.hashes[0].phc == "$argon2id$hash-of-reception");
  CHECK(bench.hashes[0].password.reveal() == "canary-password");
  CHECK(bench.fetches.empty());
  CHECK(bench.lookups.empty());
  bench.hash();
  REQUIRE(bench.fetches.size() == 1);
  CHECK(bench.fetches[0].key.identity == "office");
  CHECK(bench.fetches[0].request.url == "https://login.example/office/token");
  CHECK(bench.fetches[0].request.body.reveal().find("client_secret=canary%2Bsecret%2Foffice") !=
        std::string_view::npos);
  CHECK(bench.lookups == std::vector<std::string>{"imap.example"});
  bench.token();
  CHECK(bench.answers.empty());
  CHECK(bench.desk.status(bench.now).open_questions == 1);
  bench.resolved({"192.0.2.1", "2001:db8::1"});

  const Granted* granted = bench.granted(7);
  REQUIRE(granted != nullptr);
  CHECK(granted->account == "reception");
  CHECK(granted->identity == "office");
  CHECK(granted->mailbox == "reception@contoso.com");
  CHECK(granted->token_id == 1);
  CHECK(granted->access_token.reveal() == "canary-token");
  CHECK(granted->host == "imap.example");
  CHECK(granted->port == 993);
  CHECK(granted->tls == config::UpstreamTls::implicit);
  CHECK(granted->addresses == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  CHECK(granted->trust == 0);
  CHECK(bench.desk.status(bench.now).open_questions == 0);
  CHECK(bench.logged("token_fetched", "identity") == "office");
  CHECK(bench.logged("token_fetched", "token").size() == 8);

  bench.now += 5s;
  bench.tell(LoginSucceeded{.session = 7, .token_id = 1, .times = {11, 22, 33}});
  CHECK(bench.logged("login_succeeded", "session") == "00000007");
  CHECK(bench.logged("login_succeeded", "protocol") == "imap");
  CHECK(bench.logged("login_succeeded", "client") == "127.0.0.1");
  CHECK(bench.logged("login_succeeded", "account") == "reception");
  CHECK(bench.logged("login_succeeded", "login") == "scanner");
  CHECK(bench.logged("login_succeeded", "identity") == "office");
  CHECK(bench.logged("login_succeeded", "mailbox") == "reception@contoso.com");
  CHECK(bench.logged("login_succeeded", "upstream") == "xoauth2 succeeded");
  CHECK(bench.logged("login_succeeded", "token_life_seconds") == "3595");
  CHECK(bench.logged("login_succeeded", "connect_ms") == "22");
  CHECK(bench.desk.status(bench.now).sessions == 1);
  CHECK(bench.desk.status(bench.now).logins_succeeded == 1);

  bench.tell(SessionEnded{.session = 7,
                          .protocol = config::Protocol::imap,
                          .client_address = "127.0.0.1",
                          .reason = "client closed",
                          .bytes_up = 10,
                          .bytes_down = 2000,
                          .milliseconds = 3000});
  CHECK(bench.logged("session_ended", "reason") == "client closed");
  CHECK(bench.logged("session_ended", "mailbox") == "reception@contoso.com");
  CHECK(bench.logged("session_ended", "bytes_down") == "2000");
  CHECK(bench.desk.status(bench.now).sessions == 0);
}

TEST_CASE("a repeated success costs no second hash; another password, login or hash does") {
  DeskBench bench;
  bench.log_in(1);
  bench.ask(2);
  CHECK(bench.hashes.empty());
  CHECK(bench.granted(2) != nullptr);
  bench.tell(DeskBench::question(3, "scanner", "wrong"));
  CHECK(bench.hashes.size() == 1);
  bench.hash(HashOutcome::differs);
  bench.tell(DeskBench::question(4, "scanner", "wrong"));
  CHECK(bench.hashes.size() == 1);
  bench.ask(5, "second");
  CHECK(bench.hashes.size() == 2);
}

TEST_CASE("FAULTS 32: whatever is wrong with a login, it costs one hash and is told alike") {
  struct Row {
    std::string login;
    std::string phc;  // empty: the decoy's
    std::string detail;
  };
  const std::vector<Row> rows = {
      {"nobody", "", "no account has this login"},
      {"nobody@elsewhere.example", "", "no account has this login"},
      {"scan\x01ner", "", "the login has a character that is not allowed"},
      {"", "", "the login is empty"},
      {std::string(60'000, 'a'), "", "the login is too long"},
      {"scanner", "$argon2id$hash-of-reception", "wrong password"},
      {"walled", "$argon2id$hash-of-walled", "the client's address is not in the account's allow"},
  };
  for (const Row& row : rows) {
    // Only where the account is known and the address right does the hash decide anything.
    for (const HashOutcome outcome : {HashOutcome::differs, HashOutcome::matches}) {
      if (row.detail == "wrong password" && outcome == HashOutcome::matches) continue;
      CAPTURE(row.login.substr(0, 40));
      DeskBench bench;
      bench.ask(9, row.login);
      CHECK(bench.answers.empty());
      REQUIRE(bench.hashes.size() == 1);
      if (row.phc.empty()) {
        CHECK(bench.hashes[0].phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
      } else {
        CHECK(bench.hashes[0].phc == row.phc);
      }
      bench.hash(outcome);
      CHECK(bench.failure(9) == "bad_credentials");
      CHECK(bench.denied(9)->sentence.empty());
      CHECK(bench.logged("login_refused", "detail") == row.detail);
      CHECK(bench.logged("login_refused", "session") == "00000009");
      CHECK(bench.logged("login_refused", "reason") == "bad_credentials");
      // It is never remembered as right.
      bench.ask(10, row.login);
      CHECK(bench.hashes.size() == 1);
    }
  }
}

TEST_CASE("FAULTS 35: a wrong password asks nothing of endpoint or resolver and leaves the token alone") {
  DeskBench bench;
  bench.log_in(1);
  for (SessionId session = 2; session < 20; ++session) {
    bench.tell(DeskBench::question(session, "scanner", "wrong"));
    bench.hash(HashOutcome::differs);
    CHECK(bench.failure(session) == "bad_credentials");
  }
  CHECK(bench.fetches.empty());
  CHECK(bench.lookups.empty());
  CHECK(bench.desk.status(bench.now).identities[0].token_life_left == Duration(1h));
  bench.ask(30);
  CHECK(bench.granted(30)->token_id == 1);
}

TEST_CASE("FAULTS 13: a control character in a login reaches no mailbox even through a wildcard") {
  DeskBench bench;
  LoginQuestion asked = DeskBench::question(1, "anna\x01user=bob@contoso.com");
  asked.protocol = config::Protocol::smtp;
  bench.tell(std::move(asked));
  bench.hash();
  CHECK(bench.failure(1) == "bad_credentials");
  CHECK(bench.fetches.empty());
}

TEST_CASE("an address in the account's allow list lets the login in") {
  DeskBench bench;
  LoginQuestion asked = DeskBench::question(1, "walled");
  asked.client_address = "192.168.10.20";
  bench.tell(std::move(asked));
  bench.hash();
  CHECK(bench.fetches.size() == 1);
  // The right password from a wrong address still costs a hash, although it is remembered.
  bench.ask(2, "walled");
  CHECK(bench.hashes.size() == 1);
}

TEST_CASE("FAULTS 15: protocol and authorization identity are told only after a right password") {
  struct Row {
    std::string login;
    std::string authzid;
    config::Protocol protocol;
    std::string failure;
  };
  const auto imap = config::Protocol::imap;
  const std::vector<Row> rows = {
      {"anna@contoso.com", "", imap, "not_permitted"},
      {"scanner", "", config::Protocol::pop3, "not_permitted"},  // the provider has no POP3 server
      {"scanner", "other@contoso.com", imap, "authzid_refused"},
      {"scanner", "SCANNER", imap, ""},
      {"scanner", "Reception@Contoso.com", imap, ""},
      {"anna@contoso.com", "ANNA@contoso.com", config::Protocol::smtp, ""},
  };
  for (const Row& row : rows) {
    for (const HashOutcome outcome : {HashOutcome::matches, HashOutcome::differs}) {
      CAPTURE(row.login, row.authzid);
      DeskBench bench;
      LoginQuestion asked = DeskBench::question(1, row.login);
      asked.authzid = row.authzid;
      asked.protocol = row.protocol;
      bench.tell(std::move(asked));
      CHECK(bench.answers.empty());
      bench.hash(outcome);
      if (outcome == HashOutcome::differs) {
        CHECK(bench.failure(1) == "bad_credentials");
      } else {
        CHECK(bench.failure(1) == row.failure);
        CHECK(bench.fetches.size() == (row.failure.empty() ? 1U : 0U));
      }
    }
  }
}

TEST_CASE("FAULTS 34: passwords being checked are capped, the excess is told to come back") {
  DeskBench bench;
  for (SessionId session = 1; session <= 500; ++session)
    bench.tell(DeskBench::question(session, "scanner", "p" + std::to_string(session)));
  CHECK(bench.hashes.size() == 256);
  CHECK(bench.answers.size() == 244);
  CHECK(bench.failure(500) == "overloaded");
  bench.hash(HashOutcome::differs);
  bench.tell(DeskBench::question(600, "scanner", "p600"));
  CHECK(bench.hashes.size() == 256);
  // Those of clients that are gone are called off and hold up nobody.
  bench.gone(1);
  CHECK(bench.cancelled.size() == 256);
  bench.tell(DeskBench::question(700, "scanner", "p700"), 2);
  CHECK(bench.answer(700) == nullptr);
}

TEST_CASE("a hash that could not be made is no wrong password") {
  DeskBench bench;
  bench.ask(1);
  bench.hash(HashOutcome::overloaded);
  CHECK(bench.failure(1) == "overloaded");
}

TEST_CASE("open logins are capped") {
  DeskBench bench;
  bench.log_in(1);
  bench.now += 2h;
  for (SessionId session = 2; session < 5000; ++session) bench.ask(session);
  CHECK(bench.desk.status(bench.now).open_questions == 4096);
  CHECK(bench.failure(4999) == "overloaded");
  CHECK(bench.fetches.size() == 1);
}

TEST_CASE("FAULTS 39: 50 and 500 logins at once with no token make one fetch and one look-up") {
  for (const SessionId logins : {50U, 500U}) {
    DeskBench bench;
    bench.ask(1);
    bench.hash();
    for (SessionId session = 2; session <= logins; ++session) bench.ask(session);
    CHECK(bench.hashes.empty());
    CHECK(bench.fetches.size() == 1);
    CHECK(bench.lookups.size() == 1);
    bench.token();
    bench.resolved();
    CHECK(bench.answers.size() == logins);
    for (SessionId session = 1; session <= logins; ++session) {
      REQUIRE(bench.granted(session) != nullptr);
      CHECK(bench.granted(session)->token_id == 1);
    }
    CHECK(bench.fetches.size() == 1);
  }
}

TEST_CASE("FAULTS 46: no identity's token opens another identity's mailbox") {
  DeskBench bench;
  for (SessionId session = 1; session <= 2; ++session) {
    bench.ask(10 * session, "scanner");
    bench.ask(10 * session + 1, "machine");
    while (!bench.hashes.empty()) bench.hash();
    if (session == 1) {
      CHECK(bench.fetches.size() == 2);
      bench.token("token-of-plant", 3600, "plant");
      bench.token("token-of-office", 3600, "office");
      bench.resolved();
    }
    const Granted* office = bench.granted(10 * session);
    const Granted* plant = bench.granted(10 * session + 1);
    REQUIRE(office != nullptr);
    REQUIRE(plant != nullptr);
    CHECK(office->identity == "office");
    CHECK(office->access_token.reveal() == "token-of-office");
    CHECK(office->trust == 0);
    CHECK(plant->identity == "plant");
    CHECK(plant->access_token.reveal() == "token-of-plant");
    CHECK(plant->addresses == std::vector<std::string>{"127.0.0.9"});
    CHECK(plant->trust == 1);
  }
  CHECK(LoginDesk::trust_files(bench.settings) == std::vector<std::string>{"", "/plant.pem"});
}

TEST_CASE("a worker that dies takes its logins and sessions along, nobody else's") {
  DeskBench bench;
  bench.log_in(1);
  bench.tell(DeskBench::question(1, "second"), 2);
  bench.tell(DeskBench::question(2, "second"), 1);
  REQUIRE(bench.hashes.size() == 2);
  bench.gone(1);
  CHECK(bench.logged("session_ended", "reason") == "worker_gone");
  CHECK(bench.desk.status(bench.now).sessions == 0);
  CHECK(bench.desk.status(bench.now).open_questions == 1);
  bench.answers.clear();
  bench.hash();
  bench.hash();
  REQUIRE(bench.answers.size() == 1);
  CHECK(bench.answers[0].worker == 2);
}

TEST_CASE("a client that left is answered nothing, and its hash is called off") {
  DeskBench bench;
  bench.ask(1);
  bench.tell(Withdrawn{.session = 1});
  CHECK(bench.logged("login_withdrawn", "account") == "reception");
  CHECK(bench.desk.status(bench.now).open_questions == 0);
  CHECK(bench.cancelled.size() == 1);
  bench.hash();  // a thread had begun it
  CHECK(bench.answers.empty());
  CHECK(bench.fetches.empty());
  bench.tell(Withdrawn{.session = 1});
  CHECK(bench.count("login_withdrawn") == 1);
  bench.ask(2);
  CHECK(bench.hashes.size() == 1);
}

TEST_CASE("a second question of a session replaces the first") {
  DeskBench bench;
  bench.tell(DeskBench::question(1, "scanner", "wrong"));
  bench.ask(1);
  bench.hash(HashOutcome::differs);
  CHECK(bench.answers.empty());
  bench.hash();
  CHECK(bench.fetches.size() == 1);
}

TEST_CASE("a worker's own events reach the log with their reference") {
  DeskBench bench;
  bench.tell(WorkerEvent{
      .level = config::LogLevel::warning, .event = "upstream_notice", .session = 0xAB, .fields = {{"words", "BYE"}}});
  CHECK(bench.logged("upstream_notice", "session") == "000000ab");
  CHECK(bench.logged("upstream_notice", "words") == "BYE");
  bench.tell(Ready{});
  bench.tell(SessionEnded{.session = 5,
                          .protocol = config::Protocol::pop3,
                          .client_address = "127.0.0.1",
                          .reason = "pre-auth timeout",
                          .bytes_up = 0,
                          .bytes_down = 0,
                          .milliseconds = 60'000});
  CHECK(bench.logged("session_ended", "protocol") == "pop3");
  CHECK(bench.logged("session_ended", "account").empty());
}
