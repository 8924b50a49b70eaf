#include "auth/grants/token_json.h"

#include <charconv>
#include <utility>

namespace saslift::auth {
namespace {

// The size of the JSON string at the start of `text`, quotes included; 0: it does not end.
std::size_t string_size(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return 0;
}

// The value of a JSON string's inside. Tokens are ASCII: \u escapes are left as they stand, and the
// backslash makes the token unfit afterwards.
config::Secret unescaped(std::string_view inside) {
  std::string value;
  value.reserve(inside.size() + 1);
  for (std::size_t at = 0; at < inside.size(); ++at) {
    const bool escaped =
        inside[at] == '\\' && at + 1 < inside.size() && std::string_view("\"\\/").contains(inside[at + 1]);
    value.push_back(escaped ? inside[++at] : inside[at]);
  }
  return config::Secret::taken_from(value);
}

}  // namespace

config::Secret TokenJson::take(std::string_view index) {
  std::size_t place = tokens.size();
  std::from_chars(index.data(), index.data() + index.size(), place);
  return place < tokens.size() ? std::move(tokens[place]) : config::Secret();
}

TokenJson take_tokens(std::string_view json) {
  static constexpr std::string_view blanks = " \t\r\n";
  TokenJson taken;
  bool names_token = false;  // the last string ends in _token
  bool value_follows = false;
  while (!json.empty()) {
    const char c = json.front();
    if (c != '"') {
      if (c == ':') {
        value_follows = true;
      } else if (!blanks.contains(c)) {
        names_token = value_follows = false;
      }
      taken.text.push_back(c);
      json.remove_prefix(1);
      continue;
    }
    const std::size_t size = string_size(json);
    if (size == 0) break;  // cut off: what is left may be half a token
    const std::string_view inside = json.substr(1, size - 2);
    if (names_token && value_follows) {
      taken.text += '"' + std::to_string(taken.tokens.size()) + '"';
      taken.tokens.push_back(unescaped(inside));
      names_token = false;
    } else {
      taken.text.append(json.substr(0, size));
      names_token = inside.ends_with("_token") || inside == "device_code";
    }
    value_follows = false;
    json.remove_prefix(size);
  }
  return taken;
}

}  // namespace saslift::auth
