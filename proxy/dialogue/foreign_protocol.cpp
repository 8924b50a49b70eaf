#include "proxy/dialogue/foreign_protocol.h"

#include <algorithm>

namespace saslift::proxy {
namespace {

// A dripped line is looked at once for each byte, so only so much of it.
constexpr std::size_t longest_http_line = 4 * 1024;

// RFC 9112 section 3: method SP request-target SP HTTP-version.
bool is_http_request(std::string_view line) {
  static constexpr std::string_view methods[] = {"CONNECT ", "DELETE ", "GET ", "HEAD ", "OPTIONS ",
                                                 "PATCH ",   "POST ",   "PRI ", "PUT ",  "TRACE "};
  if (std::ranges::none_of(methods, [&](std::string_view method) { return line.starts_with(method); })) return false;
  line = line.substr(0, longest_http_line);
  const auto end = line.find_first_of("\r\n");
  if (end == std::string_view::npos) return false;
  line = line.substr(0, end);
  const auto version = line.rfind(' ');
  return version != std::string_view::npos && line.substr(version + 1).starts_with("HTTP/");
}

}  // namespace

bool is_foreign_protocol(std::string_view unread) {
  constexpr char tls_handshake_record = 0x16;  // RFC 8446 section 5.1
  // RFC 4253 section 4.2: an SSH client speaks first.
  return unread.starts_with(tls_handshake_record) || unread.starts_with("SSH-") || is_http_request(unread);
}

}  // namespace saslift::proxy
