#include "proxy/metrics/http_request.h"

#include <string>

#include "catch.h"

using namespace saslift::proxy::metrics;

namespace {

RequestReader read(std::string_view text) {
  RequestReader reader;
  reader.receive(text);
  return reader;
}

}  // namespace

TEST_CASE("of a request the method, the path without its query and what is accepted are read") {
  const auto reader = read("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nACCEPT: Text/Plain;q=0.1\r\nAccept: b\r\n\r\n");
  REQUIRE(reader.request());
  CHECK(reader.request()->method == "GET");
  CHECK(reader.request()->path == "/metrics");
  CHECK(reader.request()->accept == " text/plain;q=0.1, b,");
  CHECK(read("GET / HTTP/1.0\n\n").request());
}

TEST_CASE("a request is one also byte by byte, and what comes behind it changes nothing") {
  RequestReader reader;
  const std::string text = "POST /readyz HTTP/1.1\r\nContent-Length: 1000\r\n\r\nGET /other HTTP/1.1\r\n\r\n";
  for (const char c : text) reader.receive({&c, 1});
  REQUIRE(reader.request());
  CHECK(reader.request()->method == "POST");
  CHECK(reader.request()->path == "/readyz");
}

TEST_CASE("what is no request is told so") {
  for (const char* text : {"\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", "GET x HTTP/1.1\r\n\r\n",
                           "\x16\x03\x01 / \r\n\r\n", "EHLO there\r\n\r\n"}) {
    CAPTURE(text);
    const auto reader = read(text);
    CHECK_FALSE(reader.request());
    CHECK(reader.fault() == RequestFault::malformed);
  }
}

TEST_CASE("FAULTS 84: half a request is none yet, and one without end is cut") {
  RequestReader reader = read("GET /metrics HTTP/1.1\r\n");
  CHECK_FALSE(reader.request());
  CHECK_FALSE(reader.fault());
  for (int i = 0; i < 1000 && !reader.fault(); ++i) reader.receive(std::string(100, 'x'));
  CHECK(reader.fault() == RequestFault::too_long);
  reader.receive("\r\n\r\n");
  CHECK_FALSE(reader.request());
}

TEST_CASE("a response says how long it is, that the connection closes, and what is allowed") {
  const std::string good = text_of({200, "text/plain", "ok\n"});
  CHECK(good.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"));
  CHECK(good.ends_with("Connection: close\r\n\r\nok\n"));
  CHECK(text_of({405, "text/plain", ""}).find("\r\nAllow: GET\r\n") != std::string::npos);
}
