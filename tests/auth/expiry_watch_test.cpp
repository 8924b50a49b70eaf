#include "auth/expiry_watch.h"

#include "catch.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;

namespace {

using Days = std::chrono::days;
constexpr std::chrono::sys_days ends = std::chrono::year{2027} / 3 / 1;

std::vector<Expiry> secret_that_ends(std::chrono::system_clock::time_point when = ends) {
  return {{.identity = "office", .what = Expiring::client_secret, .ends = when}};
}

std::string field(const LogEvent& event, std::string_view name) {
  for (const auto& [key, value] : event.fields) {
    if (key != name) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return std::to_string(std::get<std::int64_t>(value));
  }
  return "";
}

}  // namespace

TEST_CASE("warned of at 30, 7 and 1 days and when it is over, once each") {
  ExpiryWatch watch;
  std::vector<std::string> told;
  // Looked at every hour, from 60 days before to 10 days after.
  for (auto wall = std::chrono::system_clock::time_point(ends - Days(60)); wall < ends + Days(10); wall += 1h)
    for (const LogEvent& event : watch.look(secret_that_ends(), wall))
      told.push_back(event.event + " " + field(event, "days_left"));
  CHECK(told == std::vector<std::string>{"expires_soon 30", "expires_soon 7", "expires_soon 1", "expired 0"});
}

TEST_CASE("after a restart it is told again; what is renewed is told again next time") {
  ExpiryWatch first;
  const auto wall = ends - Days(5);
  CHECK(first.look(secret_that_ends(), wall).size() == 1);
  CHECK(first.look(secret_that_ends(), wall + 1h).empty());
  ExpiryWatch restarted;
  const auto events = restarted.look(secret_that_ends(), wall);
  REQUIRE(events.size() == 1);  // the nearest alone, not 30 days as well
  CHECK(events[0].level == config::LogLevel::warning);
  CHECK(field(events[0], "identity") == "office");
  CHECK(field(events[0], "what") == "client_secret");
  CHECK(field(events[0], "on") == "2027-03-01");

  CHECK(first.look(secret_that_ends(ends + Days(365)), wall).empty());
  CHECK(first.look(secret_that_ends(ends + Days(365)), wall + Days(340)).size() == 1);
}

TEST_CASE("what is over already at the start is an error; each kind and identity is told for itself") {
  ExpiryWatch watch;
  std::vector<Expiry> expiries = secret_that_ends();
  expiries.push_back({.identity = "office", .what = Expiring::certificate, .ends = ends});
  expiries.push_back({.identity = "plant", .what = Expiring::refresh_token, .ends = ends});
  const auto events = watch.look(expiries, ends + Days(1));
  REQUIRE(events.size() == 3);
  for (const LogEvent& event : events) {
    CHECK(event.event == "expired");
    CHECK(event.level == config::LogLevel::error);
    CHECK(field(event, "days_left") == "-1");
    CHECK_FALSE(field(event, "remedy").empty());
  }
  CHECK(watch.look(expiries, ends + Days(2)).empty());
}
