#include "auth/login.h"

#include <set>

#include "catch.h"

using namespace saslift::auth;

TEST_CASE("a reference is eight lower-case hex digits") {
  CHECK(reference_of(0) == "00000000");
  CHECK(reference_of(0x7f3a) == "00007f3a");
  CHECK(reference_of(0xFFFFFFFF) == "ffffffff");
}

TEST_CASE("of a login of several words that is no account's the log shows the first") {
  CHECK(loggable("scanner") == "scanner");
  CHECK(loggable("") == "");
  CHECK(loggable("scanner front desk") == "scanner [...]");
  CHECK(loggable(" x") == " [...]");
}

TEST_CASE("every failure and mechanism has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i < login_failure_count; ++i) names.insert(name_of(static_cast<LoginFailure>(i)));
  CHECK(names.size() == login_failure_count);
  CHECK_FALSE(names.contains("unknown"));
  CHECK(name_of(static_cast<LoginFailure>(login_failure_count)) == "unknown");

  std::set<std::string_view> mechanisms;
  for (int i = 0; i < 4; ++i) mechanisms.insert(name_of(static_cast<ClientMechanism>(i)));
  CHECK(mechanisms.size() == 4);
}
