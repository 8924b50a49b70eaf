#include "proxy/imap/farewell.h"

#include "proxy/imap/grammar.h"

namespace saslift::proxy::imap {

namespace {

// A line that may also stand within a message is taken for one.
bool stands_between_responses(std::string_view sent) {
  if (!sent.ends_with("\r\n")) return false;
  sent.remove_suffix(2);
  const std::string line = upper_case(sent.substr(sent.rfind('\n') + 1));
  // A continuation request waits for a literal or a SASL response; IDLE's (RFC 2177) waits for nothing.
  if (line.starts_with('+')) return line.find("IDL") != std::string::npos;
  const auto space = line.find(' ');
  if (space == std::string::npos) return false;
  const std::string_view rest = std::string_view(line).substr(space + 1);
  if (rest.starts_with("OK ") || rest.starts_with("NO ") || rest.starts_with("BAD ")) return true;
  // What a server says unasked while a client idles.
  return line.starts_with("* ") &&
         (rest.ends_with(" EXISTS") || rest.ends_with(" EXPUNGE") || rest.ends_with(" RECENT"));
}

}  // namespace

std::optional<std::string> farewell(std::string_view last_from_server, Parting why) {
  if (!last_from_server.empty() && !stands_between_responses(last_from_server)) return std::nullopt;
  return why == Parting::shutting_down ? "* BYE The mail proxy is being restarted, try again in a minute\r\n"
                                       : "* BYE The administrator of the mail proxy has ended this session\r\n";
}

}  // namespace saslift::proxy::imap
