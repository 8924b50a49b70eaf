// The HTTP proxy through which token endpoints are reached (CONNECT, RFC 9110 9.3.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.h"

namespace saslift::config {

struct HttpProxy {
  std::string host;  // an IPv6 literal without its brackets
  std::uint16_t port = 0;
  std::string user;  // empty: none
  Secret password;

  [[nodiscard]] HttpProxy copy() const { return {host, port, user, password.copy()}; }
};

struct OutboundProxy {
  std::optional<HttpProxy> proxy;
  // As $no_proxy has them: "login.lab.example" and all below it, "*" for everything.
  std::vector<std::string> direct;

  // nullptr: this host is reached directly.
  [[nodiscard]] const HttpProxy* for_host(std::string_view host) const;
};

// "http://user:password@host:port", with the parts of the user in %XX where they need it. nullopt: it is not.
[[nodiscard]] std::optional<HttpProxy> parse_http_proxy(std::string_view url);
// The list of $no_proxy, at commas and blanks.
[[nodiscard]] std::vector<std::string> parse_no_proxy(std::string_view list);

}  // namespace saslift::config
