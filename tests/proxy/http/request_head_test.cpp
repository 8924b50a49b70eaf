#include "proxy/http/request_head.h"

#include <string>
#include <string_view>

#include "catch.h"
#include "proxy/http/response.h"

using namespace saslift::proxy::http;

namespace {

constexpr std::size_t longest = 1024;

HeadFault fault_of(std::string_view bytes) {
  const auto head = read_request_head(bytes, longest);
  REQUIRE_FALSE(head.has_value());
  return head.error();
}

}  // namespace

TEST_CASE("a request's head: method, path, query and fields") {
  const std::string bytes =
      "GET /metrics?x=1?y HTTP/1.1\r\nHost: a\r\nACCEPT: \t Text/Plain;q=0.1 \r\nempty:\r\n\r\nbody: no field\r\n\r\n";
  const auto read = read_request_head(bytes, longest);
  REQUIRE((read && *read));
  const RequestHead& head = **read;
  CHECK(head.method == "GET");
  CHECK(head.path == "/metrics");
  CHECK(head.query == "x=1?y");
  REQUIRE(head.fields.size() == 3);
  CHECK(head.fields[0].name == "host");
  CHECK(head.fields[1].name == "accept");
  CHECK(head.fields[1].value == "Text/Plain;q=0.1");
  CHECK(head.fields[2].value.empty());
}

TEST_CASE("a lone LF ends a line, a missing query is empty") {
  const auto read = read_request_head("GET / HTTP/1.0\nhost: b\n\n", longest);
  REQUIRE((read && *read));
  CHECK((*read)->path == "/");
  CHECK((*read)->query.empty());
  CHECK((*read)->fields.at(0).value == "b");
}

TEST_CASE("every beginning of a head is incomplete") {
  const std::string whole = "POST /readyz HTTP/1.1\r\nContent-Length: 1000\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto read = read_request_head(std::string_view(whole).substr(0, size), longest);
    REQUIRE(read);
    CHECK_FALSE(*read);
  }
}

TEST_CASE("what is no request is told so, noise at its first byte") {
  for (const std::string_view bytes :
       {"\x16\x03\x01", "\r\n\r\n", "get / HTTP/1.1\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n",
        "GET / HTTP/1.12\r\n\r\n", "GET x HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n",
        "GET /\xff HTTP/1.1\r\n\r\n", "EHLO there\r\n\r\n"}) {
    CAPTURE(bytes);
    CHECK(fault_of(bytes) == HeadFault::not_http);
  }
  for (const std::string_view line : {"no colon", ": no name", "space : before", " folded: line", "tab\t: before"}) {
    CAPTURE(line);
    CHECK(fault_of("GET / HTTP/1.1\r\n" + std::string(line) + "\r\n\r\n") == HeadFault::bad_field);
  }
}

TEST_CASE("FAULTS 84: a head without end is cut") {
  const std::string start = "GET / HTTP/1.1\r\nx: ";
  CHECK(fault_of(start + std::string(longest - start.size(), 'x')) == HeadFault::too_long);
  CHECK(fault_of(start + std::string(longest - start.size(), 'x') + "\r\n\r\n") == HeadFault::too_long);
  CHECK_FALSE(read_request_head(start + std::string(longest - start.size() - 1, 'x'), longest).value());
}

TEST_CASE("a response says how long it is, that the connection closes, and what is allowed") {
  const std::string good = text_of({.status = 200, .content_type = "text/plain", .body = "ok\n"});
  CHECK(good.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"));
  CHECK(good.ends_with("Connection: close\r\n\r\nok\n"));
  CHECK(text_of({.status = 405}).find("\r\nAllow: GET\r\n") != std::string::npos);
  CHECK(text_of({.status = 503, .more_fields = "Retry-After: 1\r\n"}).find("\r\nRetry-After: 1\r\n") !=
        std::string::npos);
}
