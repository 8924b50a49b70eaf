#include "proxy/commands/identity_ends.h"

#include "catch.h"

using namespace saslift;
using namespace saslift::proxy::commands;
using namespace std::chrono;

TEST_CASE("an end is told at 30, 7 and 1 days, and after it") {
  const sys_seconds end = sys_days(2027y / March / 31d);
  const IdentityEnd secret{.identity = "office", .what = EndOf::client_secret, .at = end};
  const std::string remedy = "; make a new one for the app, put it in its place, and set client_secret_expires";
  struct Row {
    seconds left;
    std::optional<int> threshold;
    std::string when;
  };
  for (const Row& row :
       {Row{days(31), std::nullopt, ""}, Row{days(30) + 1s, std::nullopt, ""},
        Row{days(30), 30, "ends in 30 days, on 2027-03-31"}, Row{days(8), 30, "ends in 8 days, on 2027-03-31"},
        Row{days(7), 7, "ends in 7 days, on 2027-03-31"}, Row{days(1), 1, "ends in 1 day, on 2027-03-31"},
        Row{1s, 1, "ends within a day, on 2027-03-31"},
        Row{0s, 0, "ended on 2027-03-31: no token is given for it any more"},
        Row{-days(400), 0, "ended on 2027-03-31: no token is given for it any more"}}) {
    CAPTURE(row.left.count());
    CHECK(days_threshold(secret, end - row.left) == row.threshold);
    CHECK(end_warning(secret, end - row.left) ==
          (row.when.empty() ? "" : "the client secret of identity 'office' " + row.when + remedy));
  }
}

TEST_CASE("ends are those of secrets that tell theirs, and of certificates") {
  config::Settings settings;
  settings.identities["office"];
  settings.identities["plant"];
  CHECK(ends_of(settings).empty());
  settings.identities.at("plant").client_secret_expires = 2027y / March / 31d;
  const auto ends = ends_of(settings);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].identity == "plant");
  CHECK(ends[0].at == sys_days(2027y / March / 31d));
}
