#include "proxy/dialogue/printable.h"

#include <string>

#include "catch.h"

using namespace saslift;
using namespace std::string_literals;

TEST_CASE("FAULTS 83: a server's line as the log may show it") {
  struct Row {
    std::string line, shown;
  };
  const Row rows[] = {
      {"535 5.7.3 Authentication unsuccessful [AM4PR0101CA0076.eurprd01.prod.exchangelabs.com 2024-01-01T00:00:00.000Z "
       "08DC]",
       "535 5.7.3 Authentication unsuccessful [AM4PR0101CA0076.eurprd01.prod.exchangelabs.com 2024-01-01T00:00:00.000Z "
       "08DC]"},
      {"NO \x1b[31m\r\n%s\0 caf\xc3\xa9"s, "NO ?[31m??%s? caf??"},
      {"trace 00000000-0000-0000-0000-000000000000", "trace 00000000-0000-0000-0000-000000000000"},
      // A server that repeats the command it did not understand.
      {"500 5.3.3 Unrecognized command 'dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9'",
       "500 5.3.3 Unrecognized command '[...]'"},
      {"bad token eyJhbGciOiJSUzI1NiJ9." + std::string(60, 'x') + "." + std::string(43, 'y'),
       "bad token eyJhbGciOiJSUzI1NiJ9.[...].[...]"},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.line);
    CHECK(proxy::printable(row.line) == row.shown);
  }
  CHECK(proxy::printable(std::string(100'000, '.')) == std::string(256, '.'));
}
