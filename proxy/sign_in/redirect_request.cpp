#include "proxy/sign_in/redirect_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "config/text_forms.h"

namespace saslift::proxy::sign_in {
namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";

struct RequestLine {
  std::string_view method, target, version;
};

struct Header {
  std::string name;  // lower case
  std::string_view value;
};

std::optional<RequestLine> read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return std::nullopt;
  const RequestLine read{.method = line.substr(0, first),
                         .target = line.substr(first + 1, last - first - 1),
                         .version = line.substr(last + 1)};
  if (read.version != "HTTP/1.1" && read.version != "HTTP/1.0") return std::nullopt;
  const bool plain = std::ranges::all_of(read.target, [](char c) { return c > ' ' && c < 0x7F; });
  if (!plain || !read.target.starts_with('/')) return std::nullopt;
  return read;
}

std::optional<std::vector<Header>> read_headers(std::string_view lines) {
  std::vector<Header> headers;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    // RFC 9112 5.1, 5.2: no space before the colon, no folded lines.
    if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
    if (line.substr(0, colon).find_first_of(" \t") != std::string_view::npos) return std::nullopt;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    headers.push_back({.name = config::folded(line.substr(0, colon)), .value = value});
  }
  return headers;
}

// A page elsewhere can make its own name point to 127.0.0.1 (DNS rebinding); the browser still sends that name.
bool is_our_authority(std::string_view authority, std::uint16_t port) {
  const std::string folded = config::folded(authority);
  return std::ranges::any_of(std::array<std::string_view, 3>{"localhost", "127.0.0.1", "[::1]"},
                             [&](std::string_view name) {
                               return folded == fmt::format("{}:{}", name, port) || (port == 80 && folded == name);
                             });
}

std::optional<Refused> refusal_of(const std::vector<Header>& headers, std::uint16_t port) {
  constexpr std::string_view http = "http://";
  int hosts = 0;
  for (const Header& header : headers) {
    if (header.name == "host") {
      ++hosts;
      if (!is_our_authority(header.value, port)) return Refused{400, "this address is not called that"};
    } else if (header.name == "origin") {
      const bool ours = header.value.starts_with(http) && is_our_authority(header.value.substr(http.size()), port);
      if (!ours) return Refused{400, "another page asked for this"};
    } else if (header.name == "transfer-encoding" || (header.name == "content-length" && header.value != "0")) {
      return Refused{400, "a request with a body is not expected here"};
    }
  }
  if (hosts != 1) return Refused{400, "the request names no host"};
  return std::nullopt;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Bad Request";
  }
}

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    if (c == '&') {
      html += "&amp;";
    } else if (c == '<') {
      html += "&lt;";
    } else if (c == '>') {
      html += "&gt;";
    } else {
      html += c;
    }
  }
  return html;
}

}  // namespace

RequestVerdict read_request(std::string_view bytes, const RedirectTarget& target) {
  // A method is upper-case letters: a TLS handshake or other noise need not be waited for.
  if (!bytes.empty() && (bytes.front() < 'A' || bytes.front() > 'Z')) return Refused{400, "this is no HTTP request"};
  const std::size_t size = bytes.find(end_of_head);
  if (size == std::string_view::npos) {
    if (bytes.size() >= largest_request) return Refused{431, "the request is too long"};
    return Incomplete{};
  }
  const std::string_view head = bytes.substr(0, size);
  const std::string_view first_line = head.substr(0, head.find("\r\n"));
  const auto line = read_request_line(first_line);
  if (!line) return Refused{400, "this is no HTTP request"};
  if (line->method != "GET") return Refused{405, "only GET is answered here"};
  const auto headers = read_headers(head.substr(std::min(head.size(), first_line.size() + 2)));
  if (!headers) return Refused{400, "a header of the request cannot be read"};
  if (const auto refused = refusal_of(*headers, target.port)) return *refused;
  const std::string_view path = line->target.substr(0, line->target.find('?'));
  if (path != target.path) return Refused{404, "there is nothing here"};
  return config::Secret(line->target.substr(std::min(line->target.size(), path.size() + 1)));
}

std::string response(const Page& page) {
  const std::string body = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><meta "
      "charset=\"utf-8\"><title>saslift</title>\n<h1>{}</h1>\n<p>{}</p>\n</html>\n",
      escaped(page.heading), escaped(page.sentence));
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\n"
      "X-Content-Type-Options: nosniff\r\n\r\n{}",
      page.status, reason_phrase(page.status), body.size(), body);
}

}  // namespace saslift::proxy::sign_in
