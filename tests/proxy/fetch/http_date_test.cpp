#include "proxy/fetch/http_date.h"

#include "catch.h"

using namespace saslift;
using proxy::fetch::read_http_date;
using proxy::fetch::read_retry_after;

TEST_CASE("Retry-After as seconds, as each form of date, and as nonsense") {
  constexpr std::time_t now = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110 5.6.7
  struct Row {
    const char* value;
    std::optional<auth::Duration> expected;
  };
  for (const Row& row : {Row{"120", auth::Duration{120'000}}, Row{" 0 ", auth::Duration{0}},
                         Row{"99999999999999999999999", auth::Duration{86'400'000}},
                         Row{"Sun, 06 Nov 1994 08:50:37 GMT", auth::Duration{60'000}},
                         Row{"Sunday, 06-Nov-94 08:50:37 GMT", auth::Duration{60'000}},
                         Row{"Sun Nov  6 08:50:37 1994", auth::Duration{60'000}},
                         Row{"Sun, 06 Nov 1994 08:00:00 GMT", auth::Duration{0}}, Row{"", std::nullopt},
                         Row{"-5", std::nullopt}, Row{"soon", std::nullopt}, Row{"1.5", std::nullopt}}) {
    CAPTURE(row.value);
    CHECK(read_retry_after(row.value, now) == row.expected);
  }
}

TEST_CASE("a date in each of its forms, and as nonsense") {
  constexpr std::time_t then = 784'111'777;
  for (const char* value :
       {"Sun, 06 Nov 1994 08:49:37 GMT", " Sunday, 06-Nov-94 08:49:37 GMT ", "Sun Nov  6 08:49:37 1994"})
    CHECK(read_http_date(value) == then);
  for (const char* value : {"", "784111777", "Sun, 06 Nov 1994 08:49:37 GMT, and more", "Sun, 06 Nov 1994"})
    CHECK_FALSE(read_http_date(value));
}
