#include "config/http_proxy.h"

#include "catch.h"
#include "config/load.h"
#include "tests/config/configuration_text.h"

namespace saslift::config {
namespace {

TEST_CASE("an HTTP proxy's URL in its parts") {
  struct Row {
    const char* url;
    const char* host;
    int port;
    const char* user;
    const char* password;
  };
  for (const Row& row :
       {Row{"http://proxy.example:3128", "proxy.example", 3128, "", ""},
        Row{"HTTP://u:p@[::1]:80/", "::1", 80, "u", "p"}, Row{"proxy.example", "proxy.example", 1080, "", ""},
        Row{"http://u:a%3Ab%40c@h:1", "h", 1, "u", "a:b@c"}, Row{"http://u@h:1", "h", 1, "u", ""}}) {
    CAPTURE(row.url);
    const auto proxy = parse_http_proxy(row.url);
    REQUIRE(proxy);
    CHECK(proxy->host == row.host);
    CHECK(proxy->port == row.port);
    CHECK(proxy->user == row.user);
    CHECK(proxy->password.reveal() == row.password);
  }
  for (const char* url : {"", "http://", "https://h:1", "socks5://h:1", "http://h:0", "http://h:1/path", "http://a b:1",
                          "http://u:%zz@h:1", "http://u:%0a@h:1", "http://:p@h:1", "http://h:1?x", "http://[::1:1"}) {
    CAPTURE(url);
    CHECK_FALSE(parse_http_proxy(url));
  }
}

TEST_CASE("the proxy of the configuration wins over the environment's, which is read as curl reads it") {
  struct Row {
    std::string service;
    std::map<std::string, std::string> environment;
    std::string host;  // empty: none
  };
  for (const Row& row :
       {Row{"", {}, ""}, Row{"", {{"HTTPS_PROXY", "http://upper:1"}}, "upper"},
        Row{"", {{"HTTPS_PROXY", "http://upper:1"}, {"https_proxy", "http://lower:1"}}, "lower"},
        Row{"", {{"all_proxy", "every:1"}}, "every"},
        Row{"", {{"ALL_PROXY", "every:1"}, {"https_proxy", "lower:1"}}, "lower"},
        Row{"", {{"http_proxy", "http://plain:1"}}, ""},
        Row{"[service]\nhttp_proxy = \"http://written:1\"\n", {{"https_proxy", "http://lower:1"}}, "written"}}) {
    const auto loaded = load_text(row.service, "/etc/saslift.toml", [&](const std::string& name) {
      const auto found = row.environment.find(name);
      return found != row.environment.end() ? std::optional(found->second) : std::nullopt;
    });
    REQUIRE(loaded);
    const HttpProxy* proxy = loaded->settings.service.outbound_proxy.for_host("login.example");
    CHECK((proxy != nullptr ? proxy->host : "") == row.host);
  }
}

TEST_CASE("hosts of no_proxy are reached directly") {
  OutboundProxy outbound;
  outbound.proxy = parse_http_proxy("http://proxy.example:1");
  outbound.direct = parse_no_proxy("login.example,.lab.test  10.0.0.1");
  for (const char* host : {"login.example", "LOGIN.example", "a.login.example", "lab.test", "x.lab.test", "10.0.0.1"}) {
    CAPTURE(host);
    CHECK(outbound.for_host(host) == nullptr);
  }
  for (const char* host : {"otherlogin.example", "example", "lab.test.example", "110.0.0.1"}) {
    CAPTURE(host);
    CHECK(outbound.for_host(host) != nullptr);
  }
  outbound.direct = parse_no_proxy("*");
  CHECK(outbound.for_host("anything.example") == nullptr);
}

}  // namespace
}  // namespace saslift::config
