#include "proxy/metrics/http_request.h"

#include <fmt/format.h>

#include <algorithm>

namespace saslift::proxy::metrics {
namespace {

constexpr std::string_view accept_field = "accept:";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

// The next line, without its end; RFC 9112 2.2 lets a lone LF end one.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

}  // namespace

void RequestReader::receive(std::string_view bytes) {
  if (request_ || fault_) return;
  head_ += bytes.substr(0, longest_head + 1 - head_.size());
  auto end = head_.find("\r\n\r\n");
  if (end == std::string::npos) end = head_.find("\n\n");
  if (end != std::string::npos) return read(std::string_view(head_).substr(0, end));
  if (head_.size() > longest_head) fault_ = RequestFault::too_long;
}

void RequestReader::read(std::string_view head) {
  const std::string_view line = take_line(head);
  const auto path_at = line.find(' ');
  const auto version_at = line.rfind(' ');
  if (path_at == std::string_view::npos || version_at == path_at) {
    fault_ = RequestFault::malformed;
    return;
  }
  const std::string_view target = line.substr(path_at + 1, version_at - path_at - 1);
  if (!line.substr(version_at + 1).starts_with("HTTP/1.") || !target.starts_with('/')) {
    fault_ = RequestFault::malformed;
    return;
  }
  Request request;
  request.method = line.substr(0, path_at);
  request.path = target.substr(0, target.find('?'));
  while (!head.empty()) {
    const std::string field = lower_case(take_line(head));
    if (field.starts_with(accept_field)) request.accept += field.substr(accept_field.size()) + ",";
  }
  request_ = std::move(request);
}

std::string text_of(const Response& response) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Cache-Control: no-store\r\nConnection: "
      "close\r\n\r\n{}",
      response.status, reason_of(response.status), response.content_type, response.body.size(),
      response.status == 405 ? "Allow: GET\r\n" : "", response.body);
}

}  // namespace saslift::proxy::metrics
