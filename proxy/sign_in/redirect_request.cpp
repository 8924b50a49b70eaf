#include "proxy/sign_in/redirect_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "config/text_forms.h"
#include "proxy/http/request_head.h"
#include "proxy/http/response.h"

namespace saslift::proxy::sign_in {
namespace {

// A page elsewhere can make its own name point to 127.0.0.1 (DNS rebinding); the browser still sends that name.
bool is_our_authority(std::string_view authority, std::uint16_t port) {
  const std::string folded = config::folded(authority);
  return std::ranges::any_of(std::array<std::string_view, 3>{"localhost", "127.0.0.1", "[::1]"},
                             [&](std::string_view name) {
                               return folded == fmt::format("{}:{}", name, port) || (port == 80 && folded == name);
                             });
}

std::optional<Refused> refusal_of(const std::vector<http::Field>& fields, std::uint16_t port) {
  constexpr std::string_view http = "http://";
  int hosts = 0;
  for (const http::Field& field : fields) {
    if (field.name == "host") {
      ++hosts;
      if (!is_our_authority(field.value, port)) return Refused{400, "this address is not called that"};
    } else if (field.name == "origin") {
      const bool ours = field.value.starts_with(http) && is_our_authority(field.value.substr(http.size()), port);
      if (!ours) return Refused{400, "another page asked for this"};
    } else if (field.name == "transfer-encoding" || (field.name == "content-length" && field.value != "0")) {
      return Refused{400, "a request with a body is not expected here"};
    }
  }
  if (hosts != 1) return Refused{400, "the request names no host"};
  return std::nullopt;
}

Refused refusal_of(http::HeadFault fault) {
  switch (fault) {
    case http::HeadFault::too_long:
      return {431, "the request is too long"};
    case http::HeadFault::bad_field:
      return {400, "a header of the request cannot be read"};
    case http::HeadFault::not_http:
      break;
  }
  return {400, "this is no HTTP request"};
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
  const auto head = http::read_request_head(bytes, largest_request);
  if (!head) return refusal_of(head.error());
  if (!*head) return Incomplete{};
  const http::RequestHead& request = **head;
  if (request.method != "GET") return Refused{405, "only GET is answered here"};
  if (const auto refused = refusal_of(request.fields, target.port)) return *refused;
  if (request.path != target.path) return Refused{404, "there is nothing here"};
  return config::Secret(request.query);
}

std::string response(const Page& page) {
  http::Response response;
  response.status = page.status;
  response.content_type = "text/html; charset=utf-8";
  response.more_fields =
      "Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\n"
      "X-Content-Type-Options: nosniff\r\n";
  response.body = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><meta "
      "charset=\"utf-8\"><title>saslift</title>\n<h1>{}</h1>\n<p>{}</p>\n</html>\n",
      escaped(page.heading), escaped(page.sentence));
  return http::text_of(response);
}

}  // namespace saslift::proxy::sign_in
