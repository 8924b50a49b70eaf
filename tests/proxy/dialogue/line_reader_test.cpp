#include "proxy/dialogue/line_reader.h"

#include "catch.h"

namespace saslift::proxy {
namespace {

TEST_CASE("a CR alone ends a line until the client has shown that it sends LFs") {
  const auto lines_of = [](std::vector<std::string> pieces) {
    LineReader reader(BareCr::ends_line);
    std::vector<std::string> lines;
    for (const std::string& piece : pieces) {
      reader.append(piece);
      while (const auto line = reader.take_line()) lines.emplace_back(*line);
    }
    lines.push_back("left: " + std::string(reader.take_all().reveal()));
    return lines;
  };
  using Lines = std::vector<std::string>;
  CHECK(lines_of({"a\rb\rc"}) == Lines{"a", "b", "left: c"});
  CHECK(lines_of({"a\r", "b\r", "c"}) == Lines{"a", "b", "left: c"});
  CHECK(lines_of({"\r\r"}) == Lines{"", "", "left: "});
  // CRLF cut in two is one end, and from there on a CR is text.
  CHECK(lines_of({"a\r", "\nb\rc\r\n"}) == Lines{"a", "b\rc", "left: "});
  CHECK(lines_of({"a\r\nb\rc\nd\r"}) == Lines{"a", "b\rc", "left: d\r"});
  CHECK(lines_of({"a\nb\r", "c\n"}) == Lines{"a", "b\rc", "left: "});
  CHECK(lines_of({"a \"b\rc\"\r\n"}) == Lines{"a \"b\rc\"", "left: "});
  // The LF that is still on the way is not left to whoever reads on.
  CHECK(lines_of({"a\r", "\n"}) == Lines{"a", "left: "});
  // A handshake follows these.
  CHECK(lines_of({"a1 STARTTLS\r"}) == Lines{"left: a1 STARTTLS\r"});
  CHECK(lines_of({"stls\r", "\n"}) == Lines{"stls", "left: "});
  CHECK(lines_of({"stls  \r", "\n"}) == Lines{"stls  ", "left: "});
  LineReader reader(BareCr::ends_line);
  reader.append("a\r");
  CHECK((reader.take_line() == "a" && reader.lf_may_follow()));
  reader.append("b\r");
  CHECK_FALSE(reader.lf_may_follow());
  LineReader strict;
  strict.append("a\rb\r");
  CHECK_FALSE(strict.take_line().has_value());
}

TEST_CASE("lines come without their ends, whole, and in order") {
  LineReader reader;
  reader.append("one\r\ntwo\n\r\nthr");
  CHECK(reader.take_line() == "one");
  CHECK(reader.take_line() == "two");
  CHECK(reader.take_line() == "");
  CHECK(reader.take_line() == std::nullopt);
  CHECK(reader.peek() == "thr");
  reader.append("ee\r");
  CHECK(reader.take_line() == std::nullopt);
  reader.append("\n");
  CHECK(reader.take_line() == "three");
  CHECK(reader.size() == 0);
}

TEST_CASE("a carriage return inside a line belongs to it") {
  LineReader reader;
  reader.append("a\rb\r\r\n");
  CHECK(reader.take_line() == "a\rb\r");
}

TEST_CASE("blocks are counted, and lines go on behind them") {
  LineReader reader;
  reader.append("head\r\nab\ncd\r\ntail\r\n");
  CHECK(reader.take_line() == "head");
  CHECK(reader.take_block(5) == "ab\ncd");
  CHECK(reader.take_line() == "");
  CHECK(reader.take_block(0) == "");
  CHECK(reader.take_block(7) == std::nullopt);
  CHECK(reader.take_line() == "tail");
}

TEST_CASE("a line's cap counts its end and is the same however the bytes come") {
  struct Row {
    const char* bytes;
    bool fits;
  };
  for (const Row& row : {Row{"1234\r\n", true}, Row{"12345\n", true}, Row{"12345\r\n", false}, Row{"123456", false}}) {
    CAPTURE(row.bytes);
    LineReader at_once;
    at_once.append(row.bytes);
    CHECK(at_once.take_line(6).has_value() == row.fits);
    LineReader dripped;
    bool fits = true;
    for (const char* byte = row.bytes; *byte != '\0' && fits; ++byte) {
      dripped.append(std::string_view(byte, 1));
      fits = dripped.take_line(6).has_value();
    }
    CHECK(fits == row.fits);
  }
}

TEST_CASE("not a byte is lost or doubled at any split") {
  const std::string text = "a\r\nbb\r\n\r\nccc\r\nrest";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    CAPTURE(split);
    LineReader reader;
    std::string seen;
    for (const auto part : {std::string_view(text).substr(0, split), std::string_view(text).substr(split)}) {
      reader.append(part);
      while (const auto line = reader.take_line()) seen.append(*line).append("|");
    }
    CHECK(seen == "a|bb||ccc|");
    CHECK(reader.take_all().reveal() == "rest");
    CHECK(reader.size() == 0);
    CHECK(reader.take_line() == std::nullopt);
  }
}

TEST_CASE("what was taken is wiped, also when the buffer grows") {
  LineReader reader;
  reader.append("Sesame7\r\n");
  const std::string_view line = *reader.take_line();
  const char* place = line.data();
  CHECK(line == "Sesame7");
  CHECK(reader.take_line() == std::nullopt);
  // The reader still owns these bytes.
  CHECK(std::string_view(place, 7) == std::string_view("\0\0\0\0\0\0\0", 7));
}

TEST_CASE("FAULTS 11: a line dripped byte by byte costs linear time") {
  LineReader reader;
  for (int i = 0; i < 2'000'000; ++i) {
    reader.append("x");
    if (reader.take_line()) FAIL("a line out of nothing");
  }
  reader.append("\n");
  CHECK(reader.take_line()->size() == 2'000'000);
}

}  // namespace
}  // namespace saslift::proxy
