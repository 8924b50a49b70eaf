#include "proxy/fetch/http_date.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace saslift::proxy::fetch {
namespace {

constexpr std::int64_t a_day = 24LL * 3600;

std::string_view trimmed(std::string_view value) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

}  // namespace

std::optional<std::time_t> read_http_date(std::string_view value) {
  const std::string text(trimmed(value));
  // The preferred form, and the two that must still be read. No locale is set here.
  for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* end = strptime(text.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return timegm(&parts);
  }
  return std::nullopt;
}

std::optional<auth::Duration> read_retry_after(std::string_view value, std::time_t now) {
  value = trimmed(value);
  if (value.empty()) return std::nullopt;
  if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t seconds = a_day;  // stays where there are more digits than fit
    std::from_chars(value.data(), value.data() + value.size(), seconds);
    return std::chrono::seconds(std::min(seconds, a_day));
  }
  const auto date = read_http_date(value);
  if (!date) return std::nullopt;
  return std::chrono::seconds(std::clamp<std::int64_t>(*date - now, 0, a_day));
}

}  // namespace saslift::proxy::fetch
