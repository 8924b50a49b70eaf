#include "proxy/fetch/url.h"

#include "catch.h"

using saslift::proxy::fetch::parse_url;

TEST_CASE("https URLs in parts") {
  struct Row {
    const char* url;
    const char* host;
    int port;
    const char* path;
  };
  for (const Row& row :
       {Row{"https://login.example/t/token", "login.example", 443, "/t/token"},
        Row{"https://login.example:8443/x?y=1", "login.example", 8443, "/x?y=1"},
        Row{"https://login.example", "login.example", 443, "/"},
        Row{"https://login.example?y", "login.example", 443, "/?y"}, Row{"https://[::1]:444/a", "::1", 444, "/a"}}) {
    CAPTURE(row.url);
    const auto url = parse_url(row.url);
    REQUIRE(url);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
    CHECK(url->path == row.path);
  }
}

TEST_CASE("what is no https URL for a token endpoint") {
  for (const char* url : {"", "http://login.example/", "HTTPS//x", "https://", "https:///path", "https://user@host/",
                          "https://h:0/", "https://h:65536/", "https://h:1x/", "https://h:/", "https://[::1/",
                          "https://[::1]x/", "https://h/a b", "https://h/\r\nX: y", "https://h/#f"}) {
    CAPTURE(url);
    CHECK_FALSE(parse_url(url));
  }
}
