#include "proxy/imap/farewell.h"

#include "proxy/imap/grammar.h"

namespace saslift::proxy::imap {

std::optional<std::string> farewell(std::string_view last_from_server) {
  if (!last_from_server.ends_with("\r\n")) return std::nullopt;
  std::string_view line = last_from_server.substr(0, last_from_server.size() - 2);
  line = line.substr(line.rfind('\n') + 1);
  // A continuation request waits for a literal or a SASL response; IDLE's (RFC 2177) waits for nothing.
  const bool awaits_client = line.starts_with('+');
  if (awaits_client && upper_case(line).find("IDL") == std::string::npos) return std::nullopt;
  return "* BYE The mail proxy is being restarted, try again in a minute\r\n";
}

}  // namespace saslift::proxy::imap
