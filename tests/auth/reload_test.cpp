// Another configuration under a desk at work.
#include <string>

#include "desk_bench.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::DeskBench;
using saslift::tests::make_settings;

namespace {

std::vector<SessionId> ended(const DeskBench& bench) {
  std::vector<SessionId> sessions;
  for (const EndWorkerSession& end : bench.ends) sessions.push_back(end.order.session);
  return sessions;
}

}  // namespace

TEST_CASE("a reload of the same configuration ends nothing and fetches nothing") {
  DeskBench bench;
  bench.log_in(1);
  bench.log_in(2, "second");
  bench.reload(make_settings());
  CHECK(bench.ends.empty());
  CHECK(bench.desk.status(bench.now).sessions == 2);
  bench.log_in(3);  // password known, token in hand
  CHECK(bench.hashes.empty());
  CHECK(bench.fetches.empty());
}

TEST_CASE("sessions of an account that is gone, or has another password or allow, are ended; others live") {
  DeskBench bench;
  bench.log_in(1);
  bench.log_in(2, "second");
  SECTION("gone") {
    config::Settings next = make_settings();
    next.accounts.erase("reception");
    bench.reload(std::move(next));
    CHECK(ended(bench) == std::vector<SessionId>{1});
    bench.ask(3);
    bench.hash(HashOutcome::differs);
    CHECK(bench.failure(3) == "bad_credentials");
  }
  SECTION("another password") {
    config::Settings next = make_settings();
    next.accounts.at("reception").password_hash = "$argon2id$another";
    bench.reload(std::move(next));
    CHECK(ended(bench) == std::vector<SessionId>{1});
    bench.ask(3);
    REQUIRE(bench.hashes.size() == 1);  // what was right before is not remembered as right now
    CHECK(bench.hashes[0].phc == "$argon2id$another");
  }
  SECTION("another allow") {
    config::Settings next = make_settings();
    next.accounts.at("second").allow = {config::Network::parse("192.168.10.0/24").value()};
    bench.reload(std::move(next));
    CHECK(ended(bench) == std::vector<SessionId>{2});
    CHECK(bench.ends[0].order.reason == "account_changed");
  }
  SECTION("another mailbox: the session goes on, the next login gets it") {
    config::Settings next = make_settings();
    next.accounts.at("reception").mailbox = "moved@contoso.com";
    bench.reload(std::move(next));
    CHECK(bench.ends.empty());
    bench.log_in(3);
    CHECK(bench.granted(3)->mailbox == "moved@contoso.com");
  }
}

TEST_CASE("a login on the way goes on over a reload") {
  DeskBench bench;
  bench.ask(1);
  bench.reload(make_settings());
  bench.hash();
  bench.reload(make_settings());
  REQUIRE(bench.fetches.size() == 1);
  bench.token();
  bench.reload(make_settings());
  bench.resolved();
  REQUIRE(bench.granted(1) != nullptr);
  bench.reload(make_settings());
  bench.tell(LoginSucceeded{.session = 1, .token_id = bench.granted(1)->token_id, .times = {}});
  CHECK(bench.count("login_succeeded") == 1);
  CHECK(bench.ends.empty());
}

TEST_CASE("a login on the way whose account is gone is told to try again") {
  DeskBench bench;
  bench.log_in(1, "second");
  bench.ask(2);
  SECTION("while its password is checked") {}
  SECTION("while its server is tried") {
    bench.hash();
    REQUIRE(bench.granted(2) != nullptr);
  }
  const bool granted = bench.granted(2) != nullptr;
  config::Settings next = make_settings();
  next.accounts.erase("reception");
  bench.reload(std::move(next));
  CHECK(bench.failure(2) == "shutting_down");
  CHECK(ended(bench) == (granted ? std::vector<SessionId>{2} : std::vector<SessionId>{}));
  if (!granted) bench.hash();  // comes too late for anybody
  CHECK(bench.desk.status(bench.now).open_questions == 0);
}

TEST_CASE("a login that waits for a slot outlives a reload, or is told that it does not") {
  DeskBench bench;
  config::Settings narrow = make_settings();
  narrow.service.smtp_connections = 1;
  narrow.service.connections = 1;
  bench.reload(std::move(narrow));
  bench.log_in(1);
  bench.ask(2);
  REQUIRE(bench.desk.status(bench.now).slots_waiting == 1);
  SECTION("the new limits count at once") {
    bench.reload(make_settings());
    CHECK(bench.desk.status(bench.now).slots_waiting == 0);
    CHECK(bench.granted(2) != nullptr);
  }
  SECTION("its provider has lost the server") {
    config::Settings next = make_settings();
    for (auto& [name, identity] : next.identities) identity.provider.imap.reset();
    bench.reload(std::move(next));
    CHECK(bench.failure(2) == "shutting_down");
    CHECK(bench.desk.status(bench.now).slots_waiting == 0);
  }
}

TEST_CASE("FAULTS 46: a token of what an identity was serves nobody after a reload") {
  DeskBench bench;
  bench.log_in(1);
  config::Settings next = make_settings();
  next.identities.at("office").tenant = "elsewhere.example";
  bench.reload(std::move(next));
  CHECK(bench.ends.empty());
  bench.ask(2);
  CHECK(bench.granted(2) == nullptr);
  REQUIRE(bench.fetches.size() == 1);
  bench.token("token-of-elsewhere");
  REQUIRE(bench.granted(2) != nullptr);
  CHECK(bench.granted(2)->access_token.reveal() == "token-of-elsewhere");
}

TEST_CASE("FAULTS 46: a reply on the way for what an identity was is thrown away, and another asked for") {
  DeskBench bench;
  bench.ask(1);
  bench.hash();
  bench.resolved();
  REQUIRE(bench.fetches.size() == 1);
  config::Settings next = make_settings();
  next.identities.at("office").client_id = "another-app";
  bench.reload(std::move(next));
  CHECK(bench.fetches.size() == 1);  // one at a time for each identity
  bench.token("token-of-the-old-app");
  CHECK(bench.granted(1) == nullptr);
  REQUIRE(bench.fetches.size() == 2);
  CHECK(bench.fetches[1].request.body.reveal().contains("another-app"));
  bench.token("token-of-the-new-app");
  REQUIRE(bench.granted(1) != nullptr);
  CHECK(bench.granted(1)->access_token.reveal() == "token-of-the-new-app");
}

TEST_CASE("a reply on the way for an identity that is gone brings nothing back") {
  DeskBench bench;
  bench.ask(1);
  bench.hash();
  config::Settings next = make_settings();
  next.identities.erase("office");
  next.accounts.clear();
  bench.reload(std::move(next));
  CHECK(bench.failure(1) == "shutting_down");
  bench.token();
  CHECK(bench.count("token_fetched") == 0);
  CHECK(bench.fetches.size() == 1);
  bench.reload(make_settings());
  bench.ask(2);
  CHECK(bench.fetches.size() == 2);
}

TEST_CASE("kick ends the sessions of one account, whatever their logins were") {
  DeskBench bench;
  bench.log_in(1);
  bench.log_in(2, "second");
  bench.log_in(3, "DOMAIN\\scanner");
  bench.kick("reception");
  CHECK(ended(bench) == std::vector<SessionId>{1, 3});
  CHECK(bench.ends[0].order.reason == "kicked");
  bench.tell(SessionEnded{.session = 1, .reason = "kicked"});
  bench.ends.clear();
  bench.kick("reception");
  CHECK(ended(bench) == std::vector<SessionId>{3});
}
