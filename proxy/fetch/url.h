// The https URL of a token endpoint, in parts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saslift::proxy::fetch {

struct HttpsUrl {
  std::string host;  // an IPv6 literal without its brackets
  std::uint16_t port = 443;
  std::string path;  // with the query; "/" at least
};

// nullopt: not https, user info, a fragment, control characters or spaces, no such port.
[[nodiscard]] std::optional<HttpsUrl> parse_url(std::string_view url);

}  // namespace saslift::proxy::fetch
