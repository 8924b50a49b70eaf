#include "config/service_account_key.h"

#include <algorithm>

namespace saslift::config {
namespace {

constexpr std::string_view blanks = " \t\r\n";

// A flat object of strings and words, read in place: a general parser would leave copies of the key in freed
// memory.
class Members {
 public:
  explicit Members(std::string_view text) : text_(text) {}

  struct Member {
    std::string_view name;
    std::string_view value;  // the inside of a string, as it is escaped; or a bare word
  };
  // nullopt: no further one, or no JSON object of this shape: see `whole`.
  std::optional<Member> next() {
    skip_blanks();
    if (!begun_ && !take('{')) return std::nullopt;
    if (begun_ && !take(',')) {
      whole_ = take('}');
      return std::nullopt;
    }
    begun_ = true;
    const auto name = string();
    if (!name || !take(':')) return std::nullopt;
    skip_blanks();
    const auto value = text_.starts_with('"') ? string() : word();
    if (!value) return std::nullopt;
    skip_blanks();
    return Member{*name, *value};
  }
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(blanks), text_.size())); }
  bool take(char c) {
    skip_blanks();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::optional<std::string_view> string() {
    if (!take('"')) return std::nullopt;
    for (std::size_t at = 0; at < text_.size(); ++at) {
      if (text_[at] == '\\') {
        ++at;
      } else if (text_[at] == '"') {
        const auto inside = text_.substr(0, at);
        text_.remove_prefix(at + 1);
        return inside;
      }
    }
    return std::nullopt;
  }
  std::optional<std::string_view> word() {
    const auto found = text_.substr(0, text_.find_first_of(",}[{ \t\r\n"));
    text_.remove_prefix(found.size());
    return found.empty() ? std::nullopt : std::optional(found);
  }

  std::string_view text_;
  bool begun_ = false;
  bool whole_ = false;
};

Secret unescaped(std::string_view inside) {
  std::string text;
  text.reserve(inside.size() + 1);
  for (std::size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] != '\\' || at + 1 == inside.size()) {
      text.push_back(inside[at]);
      continue;
    }
    const char c = inside[++at];
    if (c == 'n') text.push_back('\n');
    if (c == 'u' && inside.substr(at + 1, 4) == "003d") {
      text.push_back('=');
      at += 4;
    }
    if (c == '/' || c == '"' || c == '\\') text.push_back(c);
  }
  return Secret::taken_from(text);
}

}  // namespace

std::optional<ServiceAccountKey> read_service_account_key(std::string_view json) {
  ServiceAccountKey key;
  Members members(json);
  while (const auto member = members.next()) {
    if (member->name == "client_email") key.client_email = unescaped(member->value).reveal();
    if (member->name == "token_uri") key.token_uri = unescaped(member->value).reveal();
    if (member->name == "private_key") key.private_key = unescaped(member->value);
  }
  if (!members.whole() || key.client_email.empty() || key.token_uri.empty() || key.private_key.empty())
    return std::nullopt;
  return key;
}

}  // namespace saslift::config
