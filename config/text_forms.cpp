#include "config/text_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "config/network.h"

namespace saslift::config {
namespace {

constexpr std::size_t longest_quoted = 64;
constexpr std::size_t longest_name = 64;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_continuation_byte(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

struct DurationUnit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<DurationUnit, 4> duration_units{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

}  // namespace

std::string folded(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string in_quotes(std::string_view text) {
  std::string_view shown = text;
  if (shown.size() > longest_quoted) {
    std::size_t end = longest_quoted;
    while (end > 0 && is_continuation_byte(text[end])) --end;
    shown = text.substr(0, end);
  }
  std::string result = "'";
  for (const char c : shown) {
    if (is_control(c)) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  result += shown.size() < text.size() ? "...'" : "'";
  return result;
}

bool has_control_character(std::string_view text) { return std::ranges::any_of(text, is_control); }

bool is_name_character(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, is_name_character);
}

std::string plain_name_from(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, text.find('@')).substr(0, longest_name)) {
    if (is_name_character(c)) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "everyone" : name;
}

std::string advice_on_name(std::string_view section, std::string_view name) {
  std::string advice =
      fmt::format("{} cannot name {}: a name has only letters, digits, '-' and '_'; write [{}.{}]", in_quotes(name),
                  section == "provider" ? "a provider" : fmt::format("an {}", section), section, plain_name_from(name));
  if (section == "account" && name.find('@') != std::string_view::npos && name.size() <= longest_quoted &&
      !has_control_character(name)) {
    advice += fmt::format(" and below it login = \"{}\"", name);
  }
  return advice;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view label = text.substr(begin, end - begin);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; })) return false;
    begin = end + 1;
  }
  return true;
}

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == 0 || at == std::string_view::npos || text.find('@', at + 1) != std::string_view::npos) return false;
  if (text.find_first_of(" \"(),:;<>[\\]") != std::string_view::npos || has_control_character(text)) return false;
  return is_host_name(text.substr(at + 1));
}

bool is_guid(std::string_view text) {
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') text = text.substr(1, 36);
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex_digit(text[i])) return false;
  }
  return true;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  for (const DurationUnit& known : duration_units) {
    if (unit == known.name) return std::chrono::milliseconds(number * known.milliseconds);
  }
  return std::nullopt;
}

std::optional<std::string> host_of_https_url(std::string_view url) {
  constexpr std::string_view scheme = "https://";
  if (folded(url.substr(0, scheme.size())) != scheme) return std::nullopt;
  for (const char c : url) {
    // RFC 3986 appendix A; braces, '@', '?' and '#' are left out on purpose.
    if (!is_letter(c) && !is_digit(c) && std::string_view("-._~:/[]!$&'()*+,;=%").find(c) == std::string_view::npos) {
      return std::nullopt;
    }
  }
  std::string_view authority = url.substr(scheme.size());
  authority = authority.substr(0, authority.find('/'));
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [stopped, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || stopped != port.data() + port.size() || number == 0) return std::nullopt;
    authority = authority.substr(0, colon);
  }
  if (authority.size() > 2 && authority.front() == '[' && authority.back() == ']') {
    if (!IpAddress::parse(authority.substr(1, authority.size() - 2))) return std::nullopt;
  } else if (!is_host_name(authority)) {
    return std::nullopt;
  }
  return folded(authority);
}

}  // namespace saslift::config
