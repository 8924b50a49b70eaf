// Words of commands and field names: ASCII, in any case, with spaces around them.
#pragma once

#include <algorithm>
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

}  // namespace saslift::proxy::smtp::rewriting
