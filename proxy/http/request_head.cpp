#include "proxy/http/request_head.h"

#include <algorithm>

#include "config/text_forms.h"

namespace saslift::proxy::http {
namespace {

// Up to and without the empty line; nullopt: there is none yet.
std::optional<std::string_view> whole_head(std::string_view bytes) {
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n', end + 1)) {
    const std::string_view rest = bytes.substr(end + 1);
    if (rest.starts_with("\r\n") || rest.starts_with('\n')) return bytes.substr(0, end + 1);
  }
  return std::nullopt;
}

// The next line, without its end; RFC 9112 2.2 lets a lone LF end one.
std::string_view take_line(std::string_view& lines) {
  std::string_view line = lines.substr(0, lines.find('\n'));
  lines.remove_prefix(std::min(lines.size(), line.size() + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<RequestHead> read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return std::nullopt;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return std::nullopt;
  const bool plain = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7F; });
  if (!plain || !target.starts_with('/')) return std::nullopt;
  RequestHead head;
  head.method = line.substr(0, first);
  head.path = target.substr(0, target.find('?'));
  head.query = target.substr(std::min(target.size(), head.path.size() + 1));
  return head;
}

std::optional<Field> read_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  // RFC 9112 5.1, 5.2: no space before the colon, no folded lines.
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  if (line.substr(0, colon).find_first_of(" \t") != std::string_view::npos) return std::nullopt;
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  return Field{.name = config::folded(line.substr(0, colon)), .value = value};
}

}  // namespace

std::expected<std::optional<RequestHead>, HeadFault> read_request_head(std::string_view bytes, std::size_t longest) {
  // A method is upper-case letters: a TLS handshake or other noise need not be waited for.
  if (!bytes.empty() && (bytes.front() < 'A' || bytes.front() > 'Z')) return std::unexpected(HeadFault::not_http);
  auto lines = whole_head(bytes.substr(0, longest));
  if (!lines) {
    if (bytes.size() >= longest) return std::unexpected(HeadFault::too_long);
    return std::nullopt;
  }
  auto head = read_request_line(take_line(*lines));
  if (!head) return std::unexpected(HeadFault::not_http);
  while (!lines->empty()) {
    auto field = read_field(take_line(*lines));
    if (!field) return std::unexpected(HeadFault::bad_field);
    head->fields.push_back(*std::move(field));
  }
  return head;
}

}  // namespace saslift::proxy::http
