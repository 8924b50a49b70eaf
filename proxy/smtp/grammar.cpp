#include "proxy/smtp/grammar.h"

#include <algorithm>
#include <span>
#include <utility>

#include "proxy/dialogue/server_side.h"

namespace saslift::proxy::smtp {
namespace {

constexpr std::pair<std::string_view, Verb> verbs[] = {
    {"EHLO", Verb::ehlo},        {"HELO", Verb::helo},        {"AUTH", Verb::auth},        {"STARTTLS", Verb::starttls},
    {"NOOP", Verb::noop},        {"RSET", Verb::rset},        {"HELP", Verb::help},        {"VRFY", Verb::vrfy},
    {"QUIT", Verb::quit},        {"MAIL", Verb::mail},        {"RCPT", Verb::after_login}, {"DATA", Verb::after_login},
    {"SEND", Verb::after_login}, {"SOML", Verb::after_login}, {"SAML", Verb::after_login}, {"EXPN", Verb::after_login},
    {"ETRN", Verb::after_login}, {"TURN", Verb::after_login},
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

// Cuts the first word off `rest`.
std::string_view take_word(std::string_view& rest) {
  rest = without_spaces_around(rest);
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::span<const std::string> keyword_lines(const Reply& ehlo) {
  return std::span(ehlo.lines).subspan(ehlo.lines.empty() ? 0 : 1);
}

}  // namespace

Command parse_command(std::string_view line) {
  std::string_view rest = line;
  const std::string_view word = take_word(rest);
  Command command{.verb = Verb::unknown, .argument = without_spaces_around(rest)};
  const auto verb = std::ranges::find_if(verbs, [word](const auto& known) { return same_word(known.first, word); });
  if (verb != std::end(verbs)) command.verb = verb->second;
  return command;
}

AuthArgument parse_auth(std::string_view argument) {
  std::string_view rest = argument;
  AuthArgument auth{.mechanism = take_word(rest), .initial_response = std::nullopt};
  rest = without_spaces_around(rest);
  if (!rest.empty()) auth.initial_response = rest;
  return auth;
}

std::string Reply::words() const {
  std::string words = std::to_string(code);
  for (const auto& line : lines) words += ' ' + line;
  return words;
}

std::expected<std::optional<Reply>, ReplyFault> ReplyReader::take(std::string_view line) {
  const bool starts_with_code = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) &&
                                is_digit(line[2]) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
  if (!starts_with_code) return std::unexpected(ReplyFault::not_smtp);
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (!reply_.lines.empty() && code != reply_.code) return std::unexpected(ReplyFault::not_smtp);
  size_ += line.size();
  if (size_ > longest_server_line || reply_.lines.size() == most_reply_lines) {
    return std::unexpected(ReplyFault::too_long);
  }
  reply_.code = code;
  reply_.lines.emplace_back(line.substr(std::min<std::size_t>(4, line.size())));
  if (line.size() > 3 && line[3] == '-') return std::nullopt;
  size_ = 0;
  return std::exchange(reply_, {});
}

bool offers_starttls(const Reply& ehlo) {
  return std::ranges::any_of(keyword_lines(ehlo),
                             [](std::string_view line) { return same_word(take_word(line), "STARTTLS"); });
}

bool offers_mechanism(const Reply& ehlo, std::string_view mechanism) {
  return std::ranges::any_of(keyword_lines(ehlo), [mechanism](std::string_view line) {
    // "AUTH=LOGIN PLAIN" is how servers tell it to Outlook Express 4; some list only this form.
    constexpr std::size_t keyword_size = 4;
    if (line.size() <= keyword_size || !same_word(line.substr(0, keyword_size), "AUTH")) return false;
    if (line[keyword_size] != ' ' && line[keyword_size] != '=') return false;
    std::string_view rest = line.substr(keyword_size + 1);
    while (!rest.empty()) {
      if (same_word(take_word(rest), mechanism)) return true;
    }
    return false;
  });
}

}  // namespace saslift::proxy::smtp
