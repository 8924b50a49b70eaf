// MAIL and RCPT as devices write them, and as a server takes them (RFC 5321 4.1.1.2, 4.1.1.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saslift::proxy::smtp::rewriting {

struct EnvelopeCommand {
  std::string address;     // without angle brackets; empty: the null path
  std::string parameters;  // "SIZE=1000 BODY=8BITMIME"
};

enum class Path : unsigned char { reverse, forward };  // FROM, TO

// The argument of MAIL or RCPT: "FROM:<a@b> SIZE=9", and with the brackets left out, one of them, or spaces around.
[[nodiscard]] std::optional<EnvelopeCommand> parse_envelope(Path path, std::string_view argument);

// "MAIL FROM:<mailbox> ...", without a SIZE that the rewritten message would not have.
[[nodiscard]] std::string mail_from(std::string_view mailbox, const EnvelopeCommand& written);
[[nodiscard]] std::string rcpt_to(const EnvelopeCommand& written);

}  // namespace saslift::proxy::smtp::rewriting
