#include "proxy/sign_in/redirect_request.h"

#include "catch.h"
#include "proxy/sign_in/redirect_uri.h"

using namespace saslift::proxy::sign_in;
using saslift::config::Secret;

namespace {

const RedirectTarget target{.port = 8095, .path = "/"};

std::string verdict_on(const std::string& bytes) {
  const RequestVerdict verdict = read_request(bytes, target);
  if (std::holds_alternative<Incomplete>(verdict)) return "incomplete";
  if (const auto* refused = std::get_if<Refused>(&verdict)) return std::to_string(refused->status);
  return "query " + std::string(std::get<Secret>(verdict).reveal());
}

std::string get(const std::string& path, const std::string& headers = "Host: localhost:8095\r\n") {
  return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
}

}  // namespace

TEST_CASE("FAULTS 49: of all requests only a GET of the redirect URI by its own name is read") {
  struct Row {
    std::string bytes;
    std::string verdict;
  };
  for (const Row& row : std::vector<Row>{
           {get("/?code=a&state=b"), "query code=a&state=b"},
           {get("/?code=a?b&state=b"), "query code=a?b&state=b"},
           {get("/"), "query "},
           {get("/?c", "HOST:127.0.0.1:8095\r\nAccept: */*\r\n"), "query c"},
           {get("/?c", "Host: [::1]:8095 \r\n"), "query c"},
           {get("/?c", "Host: LOCALHOST:8095\r\nOrigin: http://localhost:8095\r\n"), "query c"},
           {get("/?c", "Host: localhost:8095\r\nContent-Length: 0\r\n"), "query c"},
           {get("/favicon.ico"), "404"},
           {get("/cb?code=a"), "404"},
           {get("//?code=a"), "404"},
           {get("/?c", "Host: localhost\r\n"), "400"},
           {get("/?c", "Host: localhost:8096\r\n"), "400"},
           {get("/?c", "Host: evil.example:8095\r\n"), "400"},
           {get("/?c", "Host: localhost.evil.example:8095\r\n"), "400"},
           {get("/?c", "Host: localhost:8095\r\nHost: evil.example\r\n"), "400"},
           {get("/?c", "Host: localhost:8095\r\nHost: localhost:8095\r\n"), "400"},
           {get("/?c", ""), "400"},
           {get("/?c", "Host: localhost:8095\r\nOrigin: https://evil.example\r\n"), "400"},
           {get("/?c", "Host: localhost:8095\r\nOrigin: null\r\n"), "400"},
           {get("/?c", "Host: localhost:8095\r\nTransfer-Encoding: chunked\r\n"), "400"},
           {get("/?c", "Host: localhost:8095\r\nContent-Length: 5\r\n"), "400"},
           {get("/?c", "Host : localhost:8095\r\n"), "400"},
           {get("/?c", "Host: localhost:8095\r\n folded\r\n"), "400"},
           {get("http://localhost:8095/?c"), "400"},
           {get("/?\x01"), "400"},
           {"POST /?c HTTP/1.1\r\nHost: localhost:8095\r\n\r\n", "405"},
           {"HEAD /?c HTTP/1.1\r\nHost: localhost:8095\r\n\r\n", "405"},
           {"GET /?c HTTP/2\r\nHost: localhost:8095\r\n\r\n", "400"},
           {"GET /?c\r\nHost: localhost:8095\r\n\r\n", "400"},
           {"\x16\x03\x01", "400"},
           {"\r\n", "400"},
           {"", "incomplete"},
           {"GET /?code=a&state=b HTTP/1.1\r\nHost: localhost:8095\r\n", "incomplete"},
           {"G", "incomplete"},
           {"GET /" + std::string(largest_request, 'a'), "431"},
       }) {
    CAPTURE(row.bytes.substr(0, 200));
    CHECK(verdict_on(row.bytes) == row.verdict);
  }
}

TEST_CASE("the page is plain, escaped and not kept") {
  const std::string page = response({.status = 200, .heading = "Signed in <b>", .sentence = "a & b"});
  CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(page.find("<h1>Signed in &lt;b&gt;</h1>\n<p>a &amp; b</p>") != std::string::npos);
  CHECK(page.find("Cache-Control: no-store\r\n") != std::string::npos);
  CHECK(page.find("default-src 'none'") != std::string::npos);
  const std::size_t body = page.find("\r\n\r\n") + 4;
  CHECK(page.find("Content-Length: " + std::to_string(page.size() - body) + "\r\n") != std::string::npos);
}

TEST_CASE("a redirect URI of the loopback can be listened at, any other only pasted") {
  struct Row {
    std::string_view uri;
    std::string at_8095;  // empty: not the loopback
    std::string_view path;
  };
  for (const Row& row : std::vector<Row>{
           {"http://localhost", "http://localhost:8095", "/"},
           {"http://localhost/", "http://localhost:8095/", "/"},
           {"http://127.0.0.1/cb", "http://127.0.0.1:8095/cb", "/cb"},
           {"http://[::1]:80/cb", "http://[::1]:8095/cb", "/cb"},
           {"http://LocalHost:1", "http://localhost:8095", "/"},
           {"https://localhost", "", ""},
           {"http://localhost.evil.example", "", ""},
           {"http://localhost:", "", ""},
           {"http://localhost:70000", "", ""},
           {"http://localhost:80x/", "", ""},
           {"http://localhost/?a", "", ""},
           {"http://example.com", "", ""},
           {"", "", ""},
       }) {
    CAPTURE(row.uri);
    const auto read = loopback_uri(row.uri);
    REQUIRE(read.has_value() == !row.at_8095.empty());
    if (!read) continue;
    CHECK(read->at_port(8095) == row.at_8095);
    CHECK(read->request_path() == row.path);
  }
  CHECK(loopback_uri("http://127.0.0.1:8400/cb")->port == 8400);
}
