// Words of commands and field names: ASCII, in any case, with spaces around them; and quoted strings among them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace saslift::proxy::smtp::rewriting {

[[nodiscard]] inline bool same_word(std::string_view left, std::string_view right) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(left, right, {}, upper, upper);
}

[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t";
  const auto first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

struct AnyOf {
  std::string_view characters;
};
struct Unquoted {
  std::size_t at = 0;          // the text's size: there is none
  bool quote_is_open = false;  // a quoted string reaches beyond the text
};
// The first of these characters outside quoted strings (RFC 5321 4.1.2, RFC 5322 3.2.4).
[[nodiscard]] inline Unquoted find_unquoted(std::string_view text, AnyOf wanted) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && wanted.characters.contains(c)) {
      return {.at = at, .quote_is_open = false};
    }
  }
  return {.at = text.size(), .quote_is_open = quoted};
}

}  // namespace saslift::proxy::smtp::rewriting
