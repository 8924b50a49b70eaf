#include "proxy/pop3/farewell.h"

namespace saslift::proxy::pop3 {

std::optional<std::string> farewell(std::string_view last_from_server, Parting) {
  // POP3 has no unsolicited words: a session that is between two commands just ends.
  if (last_from_server.empty()) return std::string();
  if (!last_from_server.ends_with("\r\n")) return std::nullopt;
  last_from_server.remove_suffix(2);
  const auto before = last_from_server.rfind("\r\n");
  const std::string_view line =
      before == std::string_view::npos ? last_from_server : last_from_server.substr(before + 2);
  const bool ends_response = line == "." || line.starts_with("+OK") || line.starts_with("-ERR");
  return ends_response ? std::optional(std::string()) : std::nullopt;
}

}  // namespace saslift::proxy::pop3
