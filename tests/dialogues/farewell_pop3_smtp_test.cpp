// What a logged-in client is told when its session is ended on shutting down, and when it may be (FAULTS 78).
#include <string>

#include "catch.h"
#include "proxy/pop3/farewell.h"
#include "proxy/smtp/farewell.h"

namespace saslift {
namespace {

enum class Moment { good, bad };
struct Row {
  std::string last_from_server;
  Moment moment;
};

TEST_CASE("FAULTS 78: SMTP says 421 between two commands only", "[smtp]") {
  const Row rows[] = {
      {"", Moment::good},
      {"250 2.0.0 OK\r\n", Moment::good},
      {"250-first\r\n250 last\r\n", Moment::good},
      {"250\r\n", Moment::good},
      {"550 5.7.60 no\r\n", Moment::good},
      {"354 Start mail input\r\n", Moment::bad},
      {"250 OK\r\n354 Start mail input\r\n", Moment::bad},
      {"354\r\n", Moment::bad},
      {"334 \r\n", Moment::bad},
      {"250-first\r\n", Moment::bad},
      {"250 OK", Moment::bad},
      {"250 OK\r", Moment::bad},
      {"25", Moment::bad},
      {"a tail of a long line\r\n", Moment::bad},
  };
  for (const auto& row : rows) {
    CAPTURE(row.last_from_server);
    for (const auto& [why, start] : {std::pair(proxy::Parting::shutting_down, "421 4.3.2 "),
                                     std::pair(proxy::Parting::ended_by_operator, "421 4.7.0 ")}) {
      const auto words = proxy::smtp::farewell(row.last_from_server, why);
      REQUIRE(words.has_value() == (row.moment == Moment::good));
      if (!words) continue;
      CHECK(words->starts_with(start));
      CHECK(words->ends_with("\r\n"));
    }
  }
}

TEST_CASE("FAULTS 78: POP3 ends without a word, and not within a response", "[pop3]") {
  const Row rows[] = {
      {"", Moment::good},
      {"+OK 2 320\r\n", Moment::good},
      {"-ERR no such message\r\n", Moment::good},
      {"+OK\r\nFrom: a\r\n\r\ntext\r\n.\r\n", Moment::good},
      {"+OK 120 octets\r\nFrom: a\r\n", Moment::bad},
      {"text\r\n.", Moment::bad},
      {"text\r\n..\r\n", Moment::bad},
      {"+OK", Moment::bad},
  };
  for (const auto& row : rows) {
    CAPTURE(row.last_from_server);
    const auto words = proxy::pop3::farewell(row.last_from_server, proxy::Parting::ended_by_operator);
    REQUIRE(words.has_value() == (row.moment == Moment::good));
    if (words) CHECK(words->empty());
  }
}

}  // namespace
}  // namespace saslift
