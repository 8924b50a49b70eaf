#include "auth/accounts.h"

#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;
using saslift::tests::make_settings;

TEST_CASE("a login finds its account in any case, exact before wildcard") {
  struct Row {
    std::string login;
    std::string account;  // empty: none
    std::string mailbox;
  };
  const std::vector<Row> rows = {
      {"scanner", "reception", "reception@contoso.com"},
      {"SCANNER", "reception", "reception@contoso.com"},
      {"Scans@Contoso.COM", "reception", "reception@contoso.com"},
      {"domain\\SCANNER", "reception", "reception@contoso.com"},
      {"domain\\second", "second", "second@contoso.com"},
      {"Anna@CONTOSO.com", "everyone", "anna@contoso.com"},
      {"\xC3\x84@contoso.com", "everyone", "\xC3\x84@contoso.com"},
      {"*@contoso.com", "", ""},
      {"@contoso.com", "", ""},
      {"a@b@contoso.com", "", ""},
      {"a b@contoso.com", "", ""},
      {"anna@contoso.com.evil.example", "", ""},
      {"anna@sub.contoso.com", "", ""},
      {"anna@", "", ""},
      {"scanne", "", ""},
      {"scanner ", "", ""},
      {"", "", ""},
  };
  const config::Settings settings = make_settings();
  const Accounts accounts(settings);
  for (const Row& row : rows) {
    CAPTURE(row.login);
    const auto match = accounts.find(row.login);
    CHECK((match ? match->account->name : "") == row.account);
    CHECK((match ? match->mailbox : "") == row.mailbox);
  }
}

TEST_CASE("a wildcard without a domain is nobody's") {
  config::Settings settings = make_settings();
  settings.accounts.at("everyone").logins = {"*@"};
  const Accounts accounts(settings);
  CHECK_FALSE(accounts.find("").has_value());
  CHECK_FALSE(accounts.find("anna").has_value());
  CHECK_FALSE(accounts.find("anna@").has_value());
}

TEST_CASE("FAULTS 13: of all 256 bytes the control characters are refused in a login, and only they") {
  for (unsigned byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const std::string login = std::string("a") + static_cast<char>(byte) + "b";
    const bool control = byte < 0x20 || byte == 0x7F;
    CHECK(flaw_of_login(login).empty() != control);
  }
  CHECK_FALSE(flaw_of_login("").empty());
  CHECK(flaw_of_login(std::string(1024, 'a')).empty());
  CHECK_FALSE(flaw_of_login(std::string(1025, 'a')).empty());
}

TEST_CASE("FAULTS 13: a mailbox with a control character opens nothing") {
  config::Settings settings = make_settings();
  settings.accounts.at("second").mailbox = "a\x01user=b@contoso.com";
  CHECK_FALSE(Accounts(settings).find("second").has_value());
}

TEST_CASE("an account's allow list is asked with the client's address") {
  const config::Settings settings = make_settings();
  const config::Account& walled = settings.accounts.at("walled");
  CHECK(address_allowed(walled, "192.168.10.7"));
  CHECK(address_allowed(walled, "::ffff:192.168.10.7"));
  CHECK(address_allowed(walled, "2001:db8:1::2"));
  CHECK_FALSE(address_allowed(walled, "192.168.11.7"));
  CHECK_FALSE(address_allowed(walled, "::1"));
  CHECK_FALSE(address_allowed(walled, ""));
  CHECK_FALSE(address_allowed(walled, "192.168.10.7:25"));
  CHECK(address_allowed(settings.accounts.at("second"), "203.0.113.1"));
}

TEST_CASE("FAULTS 15: an authorization identity is empty, the login or its mailbox") {
  struct Row {
    std::string authzid;
    bool allowed;
  };
  const std::vector<Row> rows = {{"", true},
                                 {"scanner", true},
                                 {"SCANNER", true},
                                 {"Reception@contoso.com", true},
                                 {"second", false},
                                 {"scanner\n", false},
                                 {"scanner ", false},
                                 {std::string("\0", 1), false},
                                 {"other@contoso.com", false}};
  for (const Row& row : rows) {
    CAPTURE(row.authzid);
    CHECK(authzid_allowed({.authzid = row.authzid, .login = "Scanner", .mailbox = "reception@contoso.com"}) ==
          row.allowed);
  }
}
