#include "proxy/keeper/log_line.h"

#include <fmt/format.h>

#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

namespace saslift::proxy::keeper {
namespace {

constexpr std::size_t longest_name = 64;
// A worker may be anybody's by now: what it calls its fields, and how many they are, is bounded too.
constexpr std::size_t most_fields = 48;

std::string_view level_name(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return "debug";
    case config::LogLevel::info:
      return "info";
    case config::LogLevel::warning:
      return "warning";
    case config::LogLevel::error:
      return "error";
  }
  return "error";
}

std::string plain_name(std::string_view name) {
  std::string plain(name.substr(0, longest_name));
  for (char& c : plain) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!fine) c = '_';
  }
  return plain.empty() ? "_" : plain;
}

std::string cut(std::string_view value) {
  if (value.size() <= longest_log_value) return std::string(value);
  return std::string(value.substr(0, longest_log_value - 3)) + "...";
}

bool is_bare(char c) { return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\'; }

void append_text(std::string& line, std::string_view whole) {
  const std::string value = cut(whole);
  bool bare = !value.empty();
  for (const char c : value) bare = bare && is_bare(c);
  if (bare) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c >= ' ' && c < 0x7f) {
      line += c;
    } else {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  line += '"';
}

std::string json_text(std::string_view value) {
  // ASCII only: C1 controls are valid UTF-8 and drive terminals too.
  return nlohmann::json(cut(value)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string timestamp(WallTime time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(since / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, since % 1000);
}

std::string text_line(const auth::LogEvent& event, WallTime time) {
  std::string line = fmt::format("{} {} {}", timestamp(time), level_name(event.level), plain_name(event.event));
  std::size_t fields = 0;
  for (const auto& [name, value] : event.fields) {
    if (++fields > most_fields) break;
    line += ' ';
    line += plain_name(name);
    line += '=';
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      line += fmt::to_string(*number);
    } else {
      append_text(line, std::get<std::string>(value));
    }
  }
  line += '\n';
  return line;
}

std::string json_line(const auth::LogEvent& event, WallTime time) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", timestamp(time), level_name(event.level),
                                 plain_name(event.event));
  std::size_t fields = 0;
  for (const auto& [name, value] : event.fields) {
    if (++fields > most_fields) break;
    line += fmt::format(R"(,"{}":)", plain_name(name));
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      line += fmt::to_string(*number);
    } else {
      line += json_text(std::get<std::string>(value));
    }
  }
  line += "}\n";
  return line;
}

}  // namespace saslift::proxy::keeper
