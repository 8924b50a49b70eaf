#include "config/http_proxy.h"

#include <algorithm>
#include <charconv>

#include "config/network.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

// curl's, where a proxy's URL names none.
constexpr std::uint16_t usual_port = 1080;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt: a '%' without two digits, or one that hides a control character.
std::optional<Secret> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size() + 1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    const int high = at + 1 < text.size() ? hex_value(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    at += 2;
  }
  const bool unfit = has_control_character(decoded);
  Secret secret = Secret::taken_from(decoded);
  if (unfit) return std::nullopt;
  return secret;
}

bool take_user(HttpProxy& proxy, std::string_view user_info) {
  const std::size_t colon = std::min(user_info.find(':'), user_info.size());
  const auto user = percent_decoded(user_info.substr(0, colon));
  // RFC 7617 section 2: the first colon ends the user.
  if (!user || user->empty() || user->reveal().find(':') != std::string_view::npos) return false;
  proxy.user = user->reveal();
  if (colon == user_info.size()) return true;
  auto password = percent_decoded(user_info.substr(colon + 1));
  if (!password) return false;
  proxy.password = Secret::guarded(password->reveal());
  return true;
}

bool take_host(HttpProxy& proxy, std::string_view authority) {
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return false;
    proxy.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!IpAddress::parse(proxy.host)) return false;
  } else {
    proxy.host = authority.substr(0, authority.find(':'));
    port = authority.substr(proxy.host.size());
    if (!is_host_name(proxy.host)) return false;
  }
  proxy.port = usual_port;
  if (port.empty()) return true;
  if (port.front() != ':') return false;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), proxy.port);
  return error == std::errc{} && end == port.data() + port.size() && proxy.port != 0;
}

bool is_or_lies_below(std::string_view host, std::string_view domain) {
  while (domain.starts_with('.')) domain.remove_prefix(1);
  if (domain.empty() || !host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

}  // namespace

const HttpProxy* OutboundProxy::for_host(std::string_view host) const {
  if (!proxy) return nullptr;
  const std::string lower = folded(host);
  const bool reached_directly = std::ranges::any_of(
      direct, [&](const std::string& entry) { return entry == "*" || is_or_lies_below(lower, entry); });
  return reached_directly ? nullptr : &*proxy;
}

std::optional<HttpProxy> parse_http_proxy(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (folded(url.substr(0, scheme.size())) == scheme) {
    url.remove_prefix(scheme.size());
  } else if (url.find("://") != std::string_view::npos) {
    return std::nullopt;
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  if (has_control_character(url) || url.find_first_of("/ ?#") != std::string_view::npos) return std::nullopt;
  HttpProxy proxy;
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    if (!take_user(proxy, url.substr(0, at))) return std::nullopt;
    url.remove_prefix(at + 1);
  }
  if (!take_host(proxy, url)) return std::nullopt;
  return proxy;
}

std::vector<std::string> parse_no_proxy(std::string_view list) {
  std::vector<std::string> entries;
  std::string entry;
  const auto close = [&] {
    if (!entry.empty()) entries.push_back(folded(entry));
    entry.clear();
  };
  for (const char c : list) {
    if (c == ',' || c == ' ' || c == '\t') {
      close();
    } else {
      entry.push_back(c);
    }
  }
  close();
  return entries;
}

}  // namespace saslift::config
