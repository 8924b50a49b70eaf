#include "proxy/commands/status_table.h"

#include "catch.h"

using saslift::proxy::commands::status_table;

TEST_CASE("the status as people read it") {
  const auto table = status_table(R"({"version":"1.2.3","pid":7,"uptime_seconds":7322,
    "workers":[{"pid":8,"started":"2026-11-21T06:31:22.000Z","restarts":1},{"pid":0,"started":"","restarts":4}],
    "listeners":[{"name":"imap 127.0.0.1:0","protocol":"imap","address":"127.0.0.1:40001","tls":"off"}],
    "sessions":2,"logins":{"succeeded":5,"refused":1},"old_tls_clients":2,
    "identities":[{"name":"office","token_life_seconds":3000,"last_error":"",
                   "user":"anna@contoso.com","sign_in_needed":"",
                   "expires":[{"what":"client_secret","on":"2027-03-01","days_left":7},
                              {"what":"certificate","on":"2027-02-20","days_left":-2},
                              {"what":"refresh_token","on":"2027-05-20","days_left":87}]},
                  {"name":"lab","token_life_seconds":null,"last_error":"invalid_client \u001b[31m",
                   "user":"","sign_in_needed":"nobody has signed in for it","expires":[]}],
    "state":{"health":"degraded","detail":"No space left on device"},
    "slots":{"in_use":4,"waiting":1},"turned_away":{"not_allowed":3,"session_cap":0,"no_proxy_header":2},
    "open_questions":0,"log_lines_dropped":3})");
  REQUIRE(table);
  CHECK(*table ==
        "saslift 1.2.3, pid 7, up 2 h 2 min\n"
        "sessions 2, logins 5, refused 1, open questions 0, log lines dropped 3\n"
        "connections at providers 4, waiting for one 1\n"
        "turned away no_proxy_header 2, not_allowed 3\n"
        "clients turned away for old TLS 2; see legacy_tls\n"
        "listeners\n"
        "  imap  127.0.0.1:40001          tls off\n"
        "workers\n"
        "  pid 8, since 2026-11-21T06:31:22.000Z, restarts 1\n"
        "  not running, restarts 4\n"
        "identities\n"
        "  office                   token for 50 min\n"
        "                           client secret ends on 2027-03-01\n"
        "                           certificate ended on 2027-02-20\n"
        "                           signed in: anna@contoso.com\n"
        "  lab                      no token; last error: invalid_client ?[31m\n"
        "                           needs a sign-in: nobody has signed in for it\n"
        "state degraded: No space left on device\n");
}

TEST_CASE("what is no status") {
  for (const char* reply : {"", "{}", "[]", "7", "{\"error\":\"unknown command\"}", "{\"version\":1}"}) {
    CHECK_FALSE(status_table(reply));
  }
}
