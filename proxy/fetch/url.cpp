#include "proxy/fetch/url.h"

#include <algorithm>
#include <charconv>

namespace saslift::proxy::fetch {

std::optional<Url> parse_url(std::string_view url) {
  constexpr std::string_view https = "https://";
  constexpr std::string_view http = "http://";
  Url result;
  if (url.starts_with(https)) {
    url.remove_prefix(https.size());
  } else if (url.starts_with(http)) {
    url.remove_prefix(http.size());
    result.scheme = UrlScheme::http;
    result.port = 80;
  } else {
    return std::nullopt;
  }
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c > '~' || c == '#'; })) return std::nullopt;

  const std::size_t slash = std::min(url.find_first_of("/?"), url.size());
  std::string_view authority = url.substr(0, slash);
  result.path = url.substr(slash);
  if (!result.path.starts_with('/')) result.path.insert(0, 1, '/');

  if (authority.find('@') != std::string_view::npos) return std::nullopt;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    result.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
  } else {
    result.host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(result.host.size());
  }
  if (result.host.empty()) return std::nullopt;
  if (authority.empty()) return result;
  if (authority.front() != ':') return std::nullopt;
  authority.remove_prefix(1);
  const auto [end, error] = std::from_chars(authority.data(), authority.data() + authority.size(), result.port);
  if (error != std::errc{} || end != authority.data() + authority.size() || result.port == 0) return std::nullopt;
  return result;
}

}  // namespace saslift::proxy::fetch
