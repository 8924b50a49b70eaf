#include "proxy/keeper/log_line.h"

#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"

using namespace saslift;
using proxy::keeper::json_line;
using proxy::keeper::text_line;
using proxy::keeper::WallTime;

namespace {

const WallTime moment{std::chrono::milliseconds(1'795'242'682'123)};

std::string text_value(const std::string& value) {
  const auto line = text_line({config::LogLevel::info, "e", {{"k", value}}}, moment);
  return line.substr(line.find("k=") + 2);
}

}  // namespace

TEST_CASE("a text line: time, level, event, fields") {
  CHECK(text_line({config::LogLevel::info,
                   "login_succeeded",
                   {{"session", "0000002a"}, {"milliseconds", std::int64_t{-7}}, {"login", "a b"}}},
                  moment) ==
        "2026-11-21T06:31:22.123Z info login_succeeded session=0000002a milliseconds=-7 login=\"a b\"\n");
}

TEST_CASE("a JSON line: the same as one object") {
  CHECK(json_line({config::LogLevel::warning, "worker_died", {{"pid", std::int64_t{7}}, {"status", "signal 9"}}},
                  moment) ==
        R"({"time":"2026-11-21T06:31:22.123Z","level":"warning","event":"worker_died","pid":7,"status":"signal 9"})"
        "\n");
}

TEST_CASE("FAULTS 83: what a user sends cannot forge, colour or flood a text line") {
  struct Row {
    std::string value;
    std::string written;
  };
  for (const Row& row :
       {Row{"plain", "plain"}, Row{"", "\"\""},
        Row{"a\r\n2026 info login_succeeded", R"("a\x0d\x0a2026 info login_succeeded")"},
        Row{"\x1b[31mred", R"("\x1b[31mred")"}, Row{"%s%n", "%s%n"}, Row{"say \"hi\"", R"("say \"hi\"")"},
        Row{"DOMAIN\\user", R"("DOMAIN\\user")"}, Row{"a=b", "\"a=b\""}, Row{"ü", R"("\xc3\xbc")"},
        Row{std::string("\0\x7f\x9b", 3), R"("\x00\x7f\x9b")"},
        Row{std::string(1'000'000, 'x'), std::string(253, 'x') + "..."},
        Row{std::string(256, 'y'), std::string(256, 'y')}}) {
    CHECK(text_value(row.value) == row.written + "\n");
  }
}

TEST_CASE("FAULTS 83: nor a JSON line") {
  for (const std::string& value : {std::string("a\r\nb\x1b[1m\"\\"), std::string("\xff\xfe no UTF-8"),
                                   std::string("\xc2\x9b C1"), std::string(1'000'000, 'x'), std::string("half \xc3")}) {
    const auto line = json_line({config::LogLevel::info, "e", {{"k", value}}}, moment);
    for (const char c : line.substr(0, line.size() - 1)) CHECK((c >= ' ' && c <= '~'));
    const auto parsed = nlohmann::json::parse(line);
    CHECK(parsed.at("k").get<std::string>().size() <= value.size() + 8);
    CHECK(line.size() < 2000);
  }
}

TEST_CASE("FAULTS 83: names that a worker sends are as harmless, and so is their number") {
  auth::LogEvent event{config::LogLevel::info, "e x\n", {{"k=\x1b", "v"}, {std::string(1000, 'n'), "v"}, {"", "v"}}};
  CHECK(text_line(event, moment) == "2026-11-21T06:31:22.123Z info e_x_ k__=v " + std::string(64, 'n') + "=v _=v\n");
  event.fields.assign(10'000, {"k", std::string("v")});
  CHECK(text_line(event, moment).size() < 300);
  CHECK(nlohmann::json::accept(json_line(event, moment)));
}
