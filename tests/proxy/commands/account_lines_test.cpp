#include "proxy/commands/account_lines.h"

#include "catch.h"

using saslift::proxy::commands::account_lines;

TEST_CASE("the lines for the configuration") {
  CHECK(account_lines("scanner", "$argon2id$x") ==
        "[account.scanner]\n"
        "login    = \"scanner\"\n"
        "password = \"$argon2id$x\"\n"
        "identity = \"office\"              # the [identity.NAME] whose tokens it uses\n"
        "mailbox  = \"user@example.com\"    # the mailbox it opens\n");
  CHECK(account_lines("*@contoso.com", "$argon2id$x") ==
        "[account.contoso-com]\n"
        "login    = \"*@contoso.com\"\n"
        "password = \"$argon2id$x\"\n"
        "identity = \"office\"              # the [identity.NAME] whose tokens it uses\n"
        "protocols = [\"smtp\"]           # a wildcard must say\n");
}

TEST_CASE("account names and logins are valid TOML, whatever the login") {
  struct Row {
    const char* login;
    const char* header;
    const char* line;
  };
  for (const Row& row : {Row{"", "[account.device]", "login    = \"device\""},
                         Row{"scans@contoso.com", "[account.scans]", "login    = \"scans@contoso.com\""},
                         Row{"OFFICE\\scanner", "[account.scanner]", R"(login    = "OFFICE\\scanner")"},
                         Row{"a \"b\".c", "[account.a--b--c]", R"(login    = "a \"b\".c")"},
                         Row{"@x", "[account.device]", "login    = \"@x\""}}) {
    CAPTURE(row.login);
    const auto lines = account_lines(row.login, "h");
    CHECK(lines.starts_with(std::string(row.header) + "\n" + row.line + "\n"));
  }
}
