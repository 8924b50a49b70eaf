#include "proxy/pop3/grammar.h"

#include <algorithm>
#include <utility>

namespace saslift::proxy::pop3 {
namespace {

constexpr std::pair<std::string_view, Verb> verbs[] = {
    {"CAPA", Verb::capa},        {"USER", Verb::user},        {"PASS", Verb::pass},        {"AUTH", Verb::auth},
    {"APOP", Verb::apop},        {"STLS", Verb::stls},        {"NOOP", Verb::noop},        {"QUIT", Verb::quit},
    {"STAT", Verb::after_login}, {"LIST", Verb::after_login}, {"RETR", Verb::after_login}, {"DELE", Verb::after_login},
    {"RSET", Verb::after_login}, {"TOP", Verb::after_login},  {"UIDL", Verb::after_login}, {"LAST", Verb::after_login},
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_word(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, upper, upper);
}

std::string_view without_spaces_around(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Command parse_command(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto space = line.find(' ');
  Command command;
  if (space != std::string_view::npos) command.argument = line.substr(space + 1);
  const auto verb = std::ranges::find_if(
      verbs, [word = line.substr(0, space)](const auto& known) { return same_word(known.first, word); });
  if (verb != std::end(verbs)) command.verb = verb->second;
  if (command.argument && command.verb != Verb::pass) command.argument = without_spaces_around(*command.argument);
  return command;
}

AuthArgument parse_auth(std::string_view argument) {
  const std::string_view text = without_spaces_around(argument);
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return {.mechanism = text, .initial_response = std::nullopt};
  return {.mechanism = text.substr(0, space), .initial_response = without_spaces_around(text.substr(space))};
}

Response parse_response(std::string_view line) {
  constexpr std::pair<std::string_view, Status> indicators[] = {
      {"+OK", Status::ok}, {"-ERR", Status::error}, {"+", Status::challenge}};
  for (const auto& [indicator, status] : indicators) {
    if (!line.starts_with(indicator)) continue;
    const std::string_view rest = line.substr(indicator.size());
    if (rest.empty()) return {.status = status, .text = {}};
    if (rest.front() == ' ') return {.status = status, .text = rest.substr(1)};
  }
  return {};
}

Cause cause_of(std::string_view error_text) {
  const auto end = error_text.find(']');
  if (!error_text.starts_with('[') || end == std::string_view::npos) return Cause::other;
  const std::string_view code = error_text.substr(1, end - 1);
  for (const std::string_view passing : {"SYS/TEMP", "IN-USE", "LOGIN-DELAY"}) {
    if (same_word(code, passing)) return Cause::will_pass;
  }
  return Cause::other;
}

}  // namespace saslift::proxy::pop3
