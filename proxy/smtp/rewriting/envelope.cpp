#include "proxy/smtp/rewriting/envelope.h"

#include <algorithm>

#include "proxy/smtp/rewriting/words.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

constexpr std::string_view spaces = " \t";

// The end of a path from `text`'s beginning: its closing bracket, or the space behind it; a quoted local part
// (RFC 5321 4.1.2) may hold either.
std::size_t path_end(std::string_view text, char closing) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == closing || spaces.contains(c))) {
      return at;
    }
  }
  return text.size();
}

// "Scanner <a@b>" as in a From field: a path is its address alone.
std::string_view without_display_name(std::string_view argument) {
  bool quoted = false;
  for (std::size_t at = 0; at < argument.size(); ++at) {
    const char c = argument[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '@') {
      return argument;
    } else if (!quoted && c == '<') {
      return argument.substr(at);
    }
  }
  return argument;
}

}  // namespace

std::optional<EnvelopeCommand> parse_envelope(Path path, std::string_view argument) {
  const std::string_view keyword = path == Path::reverse ? "FROM" : "TO";
  if (!same_word(argument.substr(0, keyword.size()), keyword)) return std::nullopt;
  argument = trimmed(argument.substr(keyword.size()));
  if (!argument.starts_with(':')) return std::nullopt;
  argument = trimmed(argument.substr(1));
  if (argument.empty()) return std::nullopt;
  argument = without_display_name(argument);
  if (argument.starts_with('<')) argument = trimmed(argument.substr(1));

  EnvelopeCommand command;
  const std::size_t end = path_end(argument, '>');
  command.address = argument.substr(0, end);
  argument = trimmed(argument.substr(end));
  if (argument.starts_with('>')) argument = trimmed(argument.substr(1));
  // As between the recipients of a list.
  argument.remove_prefix(std::min(argument.find_first_not_of(";,"), argument.size()));
  command.parameters = trimmed(argument);
  return command;
}

std::string mail_from(std::string_view mailbox, const EnvelopeCommand& written) {
  std::string command = "MAIL FROM:<" + std::string(mailbox) + ">";
  for (std::string_view rest = written.parameters; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(spaces), rest.size());
    const std::string_view parameter = rest.substr(0, end);
    constexpr std::string_view size = "SIZE=";
    if (!same_word(parameter.substr(0, size.size()), size)) command.append(" ").append(parameter);
    rest = trimmed(rest.substr(end));
  }
  return command;
}

std::string rcpt_to(const EnvelopeCommand& written) {
  std::string command = "RCPT TO:<" + written.address + ">";
  if (!written.parameters.empty()) command.append(" ").append(written.parameters);
  return command;
}

}  // namespace saslift::proxy::smtp::rewriting
