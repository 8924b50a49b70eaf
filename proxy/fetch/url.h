// The URL of a token endpoint, in parts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saslift::proxy::fetch {

enum class UrlScheme : std::uint8_t { https, http };

struct Url {
  UrlScheme scheme = UrlScheme::https;
  std::string host;  // an IPv6 literal without its brackets
  std::uint16_t port = 443;
  std::string path;  // with the query; "/" at least
};

// nullopt: neither https nor http, user info, a fragment, control characters or spaces, no such port.
[[nodiscard]] std::optional<Url> parse_url(std::string_view url);

}  // namespace saslift::proxy::fetch
