// Who gets a session, and how many that are not logged in.
#include "proxy/worker/entrance.h"

#include "catch.h"

namespace saslift::proxy {
namespace {

using namespace std::chrono_literals;
using auth::TurnAway;

EntryRules rules(std::vector<std::string> allow, std::vector<std::string> proxy_from = {},
                 std::vector<std::string> trusted = {}) {
  auth::WorkerListener listener;
  listener.allow = std::move(allow);
  listener.proxy_from = std::move(proxy_from);
  listener.trusted = std::move(trusted);
  return EntryRules(listener);
}

TEST_CASE("FAULTS 54: only whom the listener names gets in") {
  const auto guarded = rules({"192.168.10.0/24", "2001:db8::/32"}, {"10.0.0.9/32"}, {"192.168.10.21"});
  const Entrance entrance(Entrance::Limits::of(100));
  CHECK_FALSE(entrance.refusal(guarded, "192.168.10.7"));
  CHECK_FALSE(entrance.refusal(guarded, "::ffff:192.168.10.7"));
  CHECK_FALSE(entrance.refusal(guarded, "2001:db8:9::1"));
  CHECK(entrance.refusal(guarded, "192.168.11.7") == TurnAway::not_allowed);
  CHECK(entrance.refusal(guarded, "127.0.0.1") == TurnAway::not_allowed);
  CHECK(entrance.refusal(guarded, "") == TurnAway::not_allowed);
  CHECK_FALSE(entrance.refusal(rules({}), "127.0.0.1"));

  CHECK(guarded.is_balancer("10.0.0.9"));
  CHECK_FALSE(guarded.is_balancer("10.0.0.8"));
  CHECK(guarded.trusts("192.168.10.21"));
  CHECK(guarded.trusts("::ffff:192.168.10.21"));
  CHECK_FALSE(guarded.trusts("192.168.10.22"));
}

TEST_CASE("an address has ten sessions that are not logged in; loopback is exempt") {
  const auto open = rules({});
  Entrance entrance(Entrance::Limits::of(1000));
  for (auth::SessionId session = 1; session <= 10; ++session) {
    CHECK_FALSE(entrance.refusal(open, "192.0.2.1"));
    entrance.came(session, "192.0.2.1");
  }
  CHECK(entrance.refusal(open, "192.0.2.1") == TurnAway::unauthenticated_per_host);
  CHECK_FALSE(entrance.refusal(open, "192.0.2.2"));
  entrance.logged_in(3);
  CHECK_FALSE(entrance.refusal(open, "192.0.2.1"));
  entrance.came(11, "192.0.2.1");
  CHECK(entrance.refusal(open, "192.0.2.1") == TurnAway::unauthenticated_per_host);
  entrance.left(3);  // gives nothing back that it had not already
  CHECK(entrance.refusal(open, "192.0.2.1") == TurnAway::unauthenticated_per_host);
  entrance.left(4);
  CHECK_FALSE(entrance.refusal(open, "192.0.2.1"));

  // FAULTS 29: an IPv6 customer has a /64.
  for (auth::SessionId session = 20; session < 30; ++session)
    entrance.came(session, "2001:db8:1:2::" + std::to_string(session));
  CHECK(entrance.refusal(open, "2001:db8:1:2::99") == TurnAway::unauthenticated_per_host);
  CHECK_FALSE(entrance.refusal(open, "2001:db8:1:3::99"));

  for (auth::SessionId session = 100; session < 150; ++session) {
    CHECK_FALSE(entrance.refusal(open, "127.0.0.1"));
    entrance.came(session, "127.0.0.1");
  }
}

TEST_CASE("a quarter of the sessions may be without a login, all may be with one") {
  const auto open = rules({});
  Entrance entrance(Entrance::Limits::of(8));
  entrance.came(1, "127.0.0.1");
  entrance.balancer_came(2);
  CHECK(entrance.refusal(open, "127.0.0.1") == TurnAway::unauthenticated_cap);
  CHECK(entrance.refusal_of_balancer() == TurnAway::unauthenticated_cap);
  entrance.logged_in(1);
  for (auth::SessionId session = 3; session <= 8; ++session) {
    CHECK_FALSE(entrance.refusal(open, "127.0.0.1"));
    entrance.came(session, "127.0.0.1");
    entrance.logged_in(session);
  }
  CHECK(entrance.refusal(open, "127.0.0.1") == TurnAway::session_cap);
  entrance.left(2);
  CHECK_FALSE(entrance.refusal(open, "127.0.0.1"));
}

TEST_CASE("of an address that keeps knocking one report a minute is sent at once, the rest as a number") {
  std::vector<auth::ClientsTurnedAway> sent;
  TurnAwayReports reports([&](auth::ClientsTurnedAway report) { sent.push_back(std::move(report)); });
  auth::Instant now{1000h};
  const auto knock = [&](const std::string& address, TurnAway why = TurnAway::not_allowed) {
    reports.turned_away({why, "smtp", address, 1}, now);
  };
  for (int i = 0; i < 100; ++i) knock("203.0.113.7");
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].client_address == "203.0.113.7");
  reports.flush();
  REQUIRE(sent.size() == 2);
  CHECK(sent[1].client_address.empty());
  CHECK(sent[1].count == 99);
  reports.flush();
  CHECK(sent.size() == 2);
  knock("203.0.113.8");
  knock("203.0.113.7", TurnAway::session_cap);
  CHECK(sent.size() == 4);
  now += 60s;
  knock("203.0.113.7");
  CHECK(sent.size() == 5);
}

}  // namespace
}  // namespace saslift::proxy
