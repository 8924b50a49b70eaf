// The desk's gate: guessers wait, mailboxes have so many connections, trusted addresses need no login.
#include <set>

#include "desk_bench.h"

namespace saslift::auth {
namespace {

using namespace std::chrono_literals;
using tests::DeskBench;

LoginQuestion from(const std::string& address, SessionId session, const std::string& login = "scanner",
                   const std::string& password = "canary-password") {
  LoginQuestion asked = DeskBench::question(session, login, password);
  asked.client_address = address;
  return asked;
}

LoginQuestion mail(SessionId session, const std::string& login = "scanner") {
  LoginQuestion asked = DeskBench::question(session, login);
  asked.protocol = config::Protocol::smtp;
  return asked;
}

TEST_CASE("FAULTS 28: wrong passwords wait for their answer, and reach nobody outside") {
  DeskBench bench;
  std::vector<Duration> delays;
  for (SessionId session = 1; session <= 5; ++session) {
    bench.tell(from("192.0.2.1", session, "scanner", "guess" + std::to_string(session)));
    bench.hash(HashOutcome::differs);
    REQUIRE(bench.denied(session) != nullptr);
    delays.push_back(bench.denied(session)->delay);
  }
  CHECK(delays == std::vector<Duration>{2s, 4s, 8s, 15s, 15s});
  CHECK(bench.count("login_refused") == 5);
  // A delayed reply holds no slot, no token, no question.
  const DeskStatus status = bench.desk.status(bench.now);
  CHECK(status.open_questions == 0);
  CHECK(status.slots_in_use == 0);
  CHECK(bench.fetches.empty());
  CHECK(bench.lookups.empty());
}

TEST_CASE("FAULTS 28: who has guessed waits for a yes too, so that leaving early tells nothing") {
  DeskBench bench;
  bench.tell(from("192.0.2.1", 1, "scanner", "guess"));
  bench.hash(HashOutcome::differs);
  bench.tell(from("192.0.2.1", 2));
  bench.hash();
  CHECK(bench.fetches.empty());
  CHECK(bench.desk.status(bench.now).slots_in_use == 0);
  bench.pass(3'999ms);
  CHECK(bench.fetches.empty());
  bench.pass(1ms);
  CHECK(bench.fetches.size() == 1);
  bench.token();
  bench.resolved();
  REQUIRE(bench.granted(2) != nullptr);

  // One that leaves meanwhile has been told nothing and is forgotten.
  bench.tell(from("192.0.2.2", 3, "scanner", "guess"));
  bench.hash(HashOutcome::differs);
  bench.tell(from("192.0.2.2", 4));
  CHECK(bench.hashes.empty());  // the password is known by now
  bench.tell(Withdrawn{.session = 4});
  bench.pass(30s);
  CHECK(bench.answer(4) == nullptr);
}

TEST_CASE("FAULTS 31: a good printer logs in without waiting while its account is attacked") {
  DeskBench bench;
  bench.tell(from("192.0.2.1", 1));
  bench.hash();
  bench.token();
  bench.resolved();
  REQUIRE(bench.granted(1) != nullptr);
  for (SessionId session = 100; session < 200; ++session) {
    bench.tell(from("198.51.100.7", session, "scanner", "guess" + std::to_string(session)));
    bench.hash(HashOutcome::differs);
    bench.tell(from("192.0.2.1", session + 1000));
    REQUIRE(bench.granted(session + 1000) != nullptr);
    bench.tell(LoginDied{.session = session + 1000});
  }
  CHECK(bench.fetches.size() == 1);
}

TEST_CASE("FAULTS 30: a device with one wrong password is logged once, with how often it came since") {
  DeskBench bench;
  for (SessionId session = 1; session <= 42; ++session) {
    bench.tell(from("192.0.2.1", session, "scanner", "stale"));
    bench.hash(HashOutcome::differs);
    CHECK(bench.denied(session)->delay == 2s);
    bench.pass(15s);
  }
  CHECK(bench.count("login_refused") == 2);
  CHECK(bench.logged("login_refused", "same_password_again") == "40");
  CHECK(bench.desk.status(bench.now).logins_refused == 42);
}

TEST_CASE("a wrong address is told, timed and counted like a wrong password") {
  DeskBench bench;
  for (SessionId session = 1; session <= 3; ++session) {
    bench.tell(from("203.0.113.9", session, "walled", "guess" + std::to_string(session)));
    bench.hash(HashOutcome::matches);
    CHECK(bench.failure(session) == "bad_credentials");
  }
  CHECK(bench.denied(3)->delay == 8s);
}

TEST_CASE("FAULTS 32: known and unknown logins cost one hash each, of the costs that accounts have") {
  config::Settings settings = tests::make_settings();
  const std::string cheap =
      "$argon2id$v=19$m=19456,t=2,p=1$b1nfXPRgBWqNTubGxJsrUg$wXjIjpd62Z1zcv7QuIGkIu3h1b93KGFQ8UycEregwAo";
  const std::string dear =
      "$argon2id$v=19$m=65536,t=3,p=4$b1nfXPRgBWqNTubGxJsrUg$wXjIjpd62Z1zcv7QuIGkIu3h1b93KGFQ8UycEregwAo";
  const auto cost = [](const std::string& phc) { return phc.substr(0, phc.find('$', 17)); };

  SECTION("one cost") {
    for (auto& [name, account] : settings.accounts) account.password_hash = dear;
    DeskBench bench(std::move(settings));
    bench.tell(from("192.0.2.1", 1, "scanner", "x"));
    for (SessionId session = 2; session < 50; ++session)
      bench.tell(from("192.0.2.1", session, "nobody" + std::to_string(session), "x"));
    REQUIRE(bench.hashes.size() == 49);
    for (const HashPassword& hash : bench.hashes) CHECK(cost(hash.phc) == cost(dear));
  }
  SECTION("two costs are as mixed among unknown logins, and each login keeps its own") {
    for (auto& [name, account] : settings.accounts) account.password_hash = name == "second" ? dear : cheap;
    DeskBench bench(std::move(settings));
    for (SessionId session = 1; session <= 200; ++session)
      bench.tell(from("192.0.2.1", session, "nobody" + std::to_string(session), "x"));
    REQUIRE(bench.hashes.size() == 200);
    const auto dear_ones = std::count_if(bench.hashes.begin(), bench.hashes.end(),
                                         [&](const HashPassword& hash) { return cost(hash.phc) == cost(dear); });
    CHECK(dear_ones > 10);  // of 40 expected
    CHECK(dear_ones < 90);
    const std::string before = bench.hashes[0].phc;
    bench.hashes.clear();
    bench.gone(1);
    bench.tell(from("192.0.2.1", 300, "NOBODY1", "x"));
    CHECK(bench.hashes.at(0).phc == before);
  }
}

TEST_CASE("hashes of clients that left are called off, and hold up nobody") {
  DeskBench bench;
  for (SessionId session = 1; session <= 300; ++session) {
    bench.tell(from("192.0.2.1", session, "user" + std::to_string(session)));
    bench.tell(Withdrawn{.session = session});
  }
  CHECK(bench.cancelled.size() == 300);
  bench.hashes.clear();
  bench.tell(from("192.0.2.1", 1000));
  CHECK(bench.hashes.size() == 1);
  bench.gone(1);
  CHECK(bench.cancelled.size() == 301);
}

TEST_CASE("FAULTS 57: a fourth submission waits for its turn, and hears \"later\" after 15 s") {
  DeskBench bench;
  const auto log_in = [&](SessionId session) {
    bench.tell(mail(session));
    if (!bench.hashes.empty()) bench.hash();
    if (!bench.fetches.empty()) bench.token();
    bench.fetches.clear();
    if (!bench.lookups.empty()) bench.resolved({"192.0.2.1"}, "smtp.example");
    bench.lookups.clear();
  };
  for (SessionId session = 1; session <= 3; ++session) {
    log_in(session);
    REQUIRE(bench.granted(session) != nullptr);
  }
  log_in(4);
  log_in(5);
  log_in(6);
  CHECK(bench.answer(4) == nullptr);
  CHECK(bench.desk.status(bench.now).slots_in_use == 3);
  CHECK(bench.desk.status(bench.now).slots_waiting == 3);

  SECTION("a session that ends gives way to the first in the queue") {
    bench.tell(LoginSucceeded{.session = 2, .token_id = bench.granted(2)->token_id, .times = {}});
    bench.tell(SessionEnded{.session = 2});
    CHECK(bench.granted(4) != nullptr);
    CHECK(bench.answer(5) == nullptr);
  }
  SECTION("so does a login that died at the server") {
    bench.tell(LoginDied{.session = 1});
    CHECK(bench.granted(4) != nullptr);
  }
  SECTION("so does one whose client left") {
    bench.tell(Withdrawn{.session = 3});
    CHECK(bench.granted(4) != nullptr);
  }
  SECTION("one that leaves the queue lets the others move up") {
    bench.tell(Withdrawn{.session = 4});
    bench.tell(LoginDied{.session = 1});
    CHECK(bench.granted(5) != nullptr);
  }
  SECTION("a worker's end frees all that it had") {
    bench.tell(mail(7), 2);
    bench.gone(1);
    CHECK(bench.granted(7) != nullptr);
    CHECK(bench.desk.status(bench.now).slots_in_use == 1);
    CHECK(bench.desk.status(bench.now).slots_waiting == 0);
  }
  SECTION("after 15 s it is told") {
    bench.pass(14'999ms);
    CHECK(bench.answer(4) == nullptr);
    bench.pass(1ms);
    CHECK(bench.failure(4) == "limit_reached");
    CHECK(bench.desk.status(bench.now).slots_waiting == 0);
  }
  SECTION("the second try with a newer token keeps its slot") {
    bench.tell(TokenRefused{
        .session = 1, .token_id = bench.granted(1)->token_id, .server_words = "535 no", .json_status = 400});
    CHECK(bench.desk.status(bench.now).slots_waiting == 3);
  }
  SECTION("reading is counted apart") {
    bench.ask(8);
    bench.resolved();
    CHECK(bench.granted(8) != nullptr);
  }
}

TEST_CASE("a login that waits for a slot ends by its own deadline") {
  config::Settings settings = tests::make_settings();
  settings.service.login_timeout = Duration(5'000);
  settings.service.smtp_connections = 1;
  DeskBench bench(std::move(settings));
  bench.tell(mail(1));
  bench.hash();
  bench.token();
  bench.resolved({"192.0.2.1"}, "smtp.example");
  REQUIRE(bench.granted(1) != nullptr);
  bench.tell(mail(2));
  bench.pass(4'000ms);
  CHECK(bench.failure(2) == "limit_reached");
}

TEST_CASE("slots of refused logins pass on at once") {
  config::Settings settings = tests::make_settings();
  settings.service.smtp_connections = 1;
  DeskBench bench(std::move(settings));
  bench.tell(mail(1));
  bench.hash();
  for (SessionId session = 2; session <= 4; ++session) bench.tell(mail(session));
  bench.fetched(R"({"error":"invalid_client"})", 401);
  for (SessionId session = 1; session <= 4; ++session) CHECK(bench.failure(session) == "identity_refused");
  CHECK(bench.desk.status(bench.now).slots_in_use == 0);
}

LoginQuestion trusted(SessionId session, const std::string& address) {
  LoginQuestion asked;
  asked.session = session;
  asked.protocol = config::Protocol::smtp;
  asked.mechanism = ClientMechanism::trusted_address;
  asked.client_address = address;
  return asked;
}

TEST_CASE("a trusted address goes out as its account, without a password and a hash") {
  config::Settings settings = tests::make_settings();
  settings.accounts.at("reception").trusted = {config::IpAddress::parse("192.168.10.21").value()};
  settings.accounts.at("second").trusted = {config::IpAddress::parse("192.168.10.22").value()};
  DeskBench bench(std::move(settings));
  bench.tell(trusted(1, "192.168.10.21"));
  bench.token();
  bench.resolved({"192.0.2.1"}, "smtp.example");
  bench.tell(trusted(2, "::ffff:192.168.10.22"));
  CHECK(bench.hashes.empty());
  REQUIRE(bench.granted(1) != nullptr);
  REQUIRE(bench.granted(2) != nullptr);
  CHECK(bench.granted(1)->mailbox == "reception@contoso.com");
  CHECK(bench.granted(2)->mailbox == "second@contoso.com");

  bench.tell(trusted(3, "192.168.10.23"));
  CHECK(bench.failure(3) == "not_permitted");
  CHECK(bench.logged("login_refused", "detail") == "no account trusts the client's address");
  LoginQuestion reading = trusted(4, "192.168.10.21");
  reading.protocol = config::Protocol::imap;
  bench.tell(std::move(reading));
  CHECK(bench.failure(4) == "not_permitted");
  CHECK(bench.hashes.empty());
}

TEST_CASE("who is turned away is counted, and logged once for each address, reason and minute") {
  DeskBench bench;
  const auto report = [&](const std::string& address, TurnAway why, std::uint32_t count, WorkerId worker = 1) {
    bench.tell(ClientsTurnedAway{why, "smtp 0.0.0.0:587", address, count}, worker);
  };
  report("203.0.113.7", TurnAway::not_allowed, 1);
  report("203.0.113.7", TurnAway::not_allowed, 1, 2);
  report("", TurnAway::not_allowed, 40);
  CHECK(bench.count("client_turned_away") == 1);
  CHECK(bench.logged("client_turned_away", "client") == "203.0.113.7");
  CHECK(bench.logged("client_turned_away", "reason") == "not_allowed");
  CHECK(bench.logged("client_turned_away", "listener") == "smtp 0.0.0.0:587");
  report("203.0.113.8", TurnAway::not_allowed, 1);
  report("203.0.113.7", TurnAway::unauthenticated_per_host, 1);
  CHECK(bench.count("client_turned_away") == 3);
  bench.pass(60s);
  report("203.0.113.7", TurnAway::not_allowed, 1);
  CHECK(bench.count("client_turned_away") == 4);
  const auto counts = bench.desk.status(bench.now).turned_away;
  CHECK(counts.at(static_cast<std::size_t>(TurnAway::not_allowed)) == 44);
  CHECK(counts.at(static_cast<std::size_t>(TurnAway::unauthenticated_per_host)) == 1);
}

}  // namespace
}  // namespace saslift::auth
