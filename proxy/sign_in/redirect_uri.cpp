#include "proxy/sign_in/redirect_uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/text_forms.h"

namespace saslift::proxy::sign_in {

std::string LoopbackUri::at_port(std::uint16_t actual) const {
  return fmt::format("http://{}:{}{}", host, actual, path);
}

std::optional<LoopbackUri> loopback_uri(std::string_view uri) {
  constexpr std::string_view scheme = "http://";
  if (!uri.starts_with(scheme)) return std::nullopt;
  uri.remove_prefix(scheme.size());
  const bool plain = std::ranges::all_of(uri, [](char c) { return c > ' ' && c < 0x7F && c != '?' && c != '#'; });
  if (!plain) return std::nullopt;
  LoopbackUri read;
  const std::string_view authority = uri.substr(0, uri.find('/'));
  read.path = uri.substr(authority.size());
  for (const std::string_view host : std::array<std::string_view, 3>{"localhost", "127.0.0.1", "[::1]"}) {
    if (config::folded(authority.substr(0, host.size())) != host) continue;
    read.host = host;
    const std::string_view rest = authority.substr(host.size());
    if (rest.empty()) return read;
    const auto parsed = std::from_chars(rest.data() + 1, rest.data() + rest.size(), read.port);
    if (rest.front() != ':' || parsed.ec != std::errc() || parsed.ptr != rest.data() + rest.size()) break;
    return read;
  }
  return std::nullopt;
}

}  // namespace saslift::proxy::sign_in
