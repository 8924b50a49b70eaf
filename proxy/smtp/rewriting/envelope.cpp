#include "proxy/smtp/rewriting/envelope.h"

#include <algorithm>

#include "proxy/smtp/rewriting/words.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

constexpr std::string_view spaces = " \t";

// "Scanner <a@b>" as in a From field: a path is its address alone.
std::string_view without_display_name(std::string_view argument) {
  const std::size_t at = find_unquoted(argument, AnyOf{"@<"}).at;
  return argument.substr(at).starts_with('<') ? argument.substr(at) : argument;
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
  // A quoted local part (RFC 5321 4.1.2) may hold bracket and spaces.
  const std::size_t end = find_unquoted(argument, AnyOf{"> \t"}).at;
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
