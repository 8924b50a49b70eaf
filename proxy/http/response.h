// An HTTP/1.1 response (RFC 9112) behind which the connection is closed. Pure.
#pragma once

#include <string>

namespace saslift::proxy::http {

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string more_fields;  // whole lines, each with its CRLF
};

[[nodiscard]] std::string text_of(const Response& response);

}  // namespace saslift::proxy::http
