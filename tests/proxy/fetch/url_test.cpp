#include "proxy/fetch/url.h"

#include "catch.h"

using saslift::proxy::fetch::parse_url;
using saslift::proxy::fetch::UrlScheme;

TEST_CASE("URLs in parts") {
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
        Row{"https://login.example?y", "login.example", 443, "/?y"}, Row{"https://[::1]:444/a", "::1", 444, "/a"},
        Row{"http://169.254.169.254/metadata", "169.254.169.254", 80, "/metadata"}}) {
    CAPTURE(row.url);
    const auto url = parse_url(row.url);
    REQUIRE(url);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
    CHECK(url->path == row.path);
    CHECK((url->scheme == UrlScheme::https) == std::string_view(row.url).starts_with("https"));
  }
}

TEST_CASE("what is no URL for a token endpoint") {
  for (const char* url : {"", "ftp://login.example/", "http://", "HTTPS//x", "https://", "https:///path",
                          "https://user@host/", "https://h:0/", "https://h:65536/", "https://h:1x/", "https://h:/",
                          "https://[::1/", "https://[::1]x/", "https://h/a b", "https://h/\r\nX: y", "https://h/#f"}) {
    CAPTURE(url);
    CHECK_FALSE(parse_url(url));
  }
}
