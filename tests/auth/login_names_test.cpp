// EXCHANGE 6.3: DOMAIN\user, user/shared, user\shared@dom, DOMAIN\user\shared, and that nobody gets in by them
// who should not.
#include "auth/login_names.h"

#include "auth/accounts.h"
#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;

namespace {

config::Settings settings_with_shared() {
  config::Settings settings = tests::make_settings();
  config::Account clerk = tests::make_account("clerk", "clerk");
  clerk.shared = {"Post@contoso.com", "info@contoso.com", "info@fabrikam.com"};
  settings.accounts.emplace("clerk", std::move(clerk));
  config::Account addressed = tests::make_account("addressed", "boss@contoso.com");
  addressed.shared = {"post@contoso.com"};
  settings.accounts.emplace("addressed", std::move(addressed));
  return settings;
}

std::string spelled(const std::vector<LoginReading>& readings) {
  std::string all;
  for (const LoginReading& reading : readings) {
    all += std::string(reading.user) + (reading.shared.empty() ? "" : " -> " + std::string(reading.shared)) + "; ";
  }
  return all;
}

}  // namespace

TEST_CASE("a login name's readings, the name as it stands first") {
  CHECK(spelled(readings_of("scanner")) == "scanner; ");
  CHECK(spelled(readings_of("scanner@contoso.com")) == "scanner@contoso.com; ");
  CHECK(spelled(readings_of("D\\user")) == "D\\user; user; ");
  CHECK(spelled(readings_of("user/shared")) == "user/shared; user -> shared; ");
  CHECK(spelled(readings_of("user/s@c.d")) == "user/s@c.d; user -> s@c.d; ");
  CHECK(spelled(readings_of("user\\s@c.d")) == "user\\s@c.d; user -> s@c.d; s@c.d; ");
  CHECK(spelled(readings_of("D\\user\\s")) == "D\\user\\s; D\\user -> s; user -> s; ");
  CHECK(spelled(readings_of("D\\user/s")) == "D\\user/s; D\\user -> s; user -> s; ");
  for (const char* odd : {"", "\\", "/", "a\\", "/a", "a\\\\b", "a\\b\\c\\d", "a/b/c/d/e"}) {
    CHECK(readings_of(odd).size() == 1);
  }
}

TEST_CASE("each name gives one account, whose password counts, and one mailbox") {
  const config::Settings settings = settings_with_shared();
  const Accounts accounts(settings);
  struct Row {
    std::string login;
    std::string account;  // empty: none
    std::string mailbox;
    bool is_flawed = false;
  };
  const std::vector<Row> rows = {
      {"CONTOSO\\clerk", "clerk", "clerk@contoso.com"},
      {"contoso\\CLERK", "clerk", "clerk@contoso.com"},
      {"clerk/post", "clerk", "Post@contoso.com"},
      {"clerk/POST@contoso.com", "clerk", "Post@contoso.com"},
      {"clerk\\post@contoso.com", "clerk", "Post@contoso.com"},
      {"CONTOSO\\clerk\\post", "clerk", "Post@contoso.com"},
      {"CONTOSO\\clerk/post", "clerk", "Post@contoso.com"},
      {"boss@contoso.com/post", "addressed", "post@contoso.com"},
      {"CONTOSO\\boss@contoso.com", "addressed", "addressed@contoso.com"},
      // Written down with its domain: the exact login wins, whatever its parts mean.
      {"domain\\scanner", "reception", "reception@contoso.com"},
      // Two have the local part: the address is needed.
      {"clerk/info", "clerk", "", true},
      {"clerk/info@fabrikam.com", "clerk", "info@fabrikam.com"},
      // Nobody's shared mailbox, or somebody else's.
      {"clerk/boss@contoso.com", "clerk", "", true},
      {"second/post", "second", "", true},
      {"scanner/post@contoso.com", "reception", "", true},
      {"CONTOSO\\second\\post@contoso.com", "second", "", true},
      {"clerk/", "", ""},
      {"/post", "", ""},
      {"nobody/post", "", ""},
      {"post", "", ""},
      // A wildcard stands for an address, alone or behind a domain; never for a name with a separator in it.
      {"anyone@contoso.com", "everyone", "anyone@contoso.com"},
      {"CONTOSO\\anyone@contoso.com", "everyone", "anyone@contoso.com"},
      {"anyone@contoso.com/post@contoso.com", "everyone", "", true},
      {"a/b/c/d@contoso.com", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.login);
    const auto match = accounts.find(row.login);
    CHECK((match ? match->account->name : "") == row.account);
    if (!match) continue;
    CHECK(match->mailbox == row.mailbox);
    CHECK(match->flaw.empty() == !row.is_flawed);
  }
}
