#include "proxy/smtp/farewell.h"

#include <algorithm>

namespace saslift::proxy::smtp {

std::optional<std::string> farewell(std::string_view last_from_server, Parting why) {
  std::string words = why == Parting::shutting_down
                          ? "421 4.3.2 The mail proxy is being restarted; try again in a minute\r\n"
                          : "421 4.7.0 The administrator of the mail proxy has ended this session\r\n";
  if (last_from_server.empty()) return words;
  if (!last_from_server.ends_with("\r\n")) return std::nullopt;
  last_from_server.remove_suffix(2);
  const auto before = last_from_server.rfind("\r\n");
  const std::string_view line =
      before == std::string_view::npos ? last_from_server : last_from_server.substr(before + 2);
  const std::string_view code = line.substr(0, 3);
  const bool is_last_line = code.size() == 3 &&
                            std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; }) &&
                            (line.size() == 3 || line[3] == ' ');
  // 354 and 334: the client's next bytes are a message or a response, not a command.
  if (!is_last_line || code.starts_with('3')) return std::nullopt;
  return words;
}

}  // namespace saslift::proxy::smtp
