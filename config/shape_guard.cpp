#include "config/shape_guard.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/text_forms.h"

namespace saslift::config {
namespace {

constexpr int deepest_nesting = 16;
constexpr int most_key_parts = 16;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<SyntaxError> scan() {
    if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
    while (at_ < text_.size()) {
      switch (const char c = text_[at_]) {
        case '#':
          at_ = std::min(text_.find('\n', at_), text_.size());
          continue;
        case '"':
        case '\'':
          if (!skip_string(c)) return std::nullopt;
          continue;
        case '[':
          if (auto refused = nameless_header()) return refused;
          [[fallthrough]];
        case '{':
          dots_ = 0;
          if (++depth_ > deepest_nesting) return refuse("nested more than {} deep", deepest_nesting);
          break;
        case ']':
        case '}':
          dots_ = 0;
          if (depth_ > 0) --depth_;
          break;
        case '.':
          if (++dots_ >= most_key_parts) return refuse("a dotted key of more than {} parts", most_key_parts);
          break;
        case '\n':
          // Only an array may go on; a header or inline table that does is a syntax error.
          dots_ = 0;
          ++line_;
          line_begin_ = at_ + 1;
          break;
        case '=':
        case ',':
          dots_ = 0;
          break;
        default:
          if (static_cast<unsigned char>(c) >= 0x80) return other_alphabet();
          break;
      }
      ++at_;
    }
    return std::nullopt;
  }

 private:
  // "[[[a]]]" and its like break a precondition inside the library (tomlplusplus pull request 301).
  [[nodiscard]] std::optional<SyntaxError> nameless_header() const {
    const std::string_view before = text_.substr(line_begin_, at_ - line_begin_);
    if (depth_ != 0 || before.find_first_not_of(" \t") != std::string_view::npos) return std::nullopt;
    if (text_.substr(at_, 2) != "[[") return std::nullopt;
    const auto name = text_.find_first_not_of(" \t", at_ + 2);
    if (name == std::string_view::npos) return std::nullopt;
    const char c = text_[name];
    if (is_name_character(c) || c == '"' || c == '\'' || static_cast<unsigned char>(c) >= 0x80) return std::nullopt;
    return SyntaxError{{line_, static_cast<unsigned>(name - line_begin_ + 1)},
                       "not valid TOML: a name stands between the brackets: [[listener]]"};
  }

  // TOML 1.0 has none of these outside strings and comments, and the library's tables of white space have a hole: some
  // lead it to where its code says that nobody comes.
  [[nodiscard]] std::optional<SyntaxError> other_alphabet() const {
    const std::string_view rest = text_.substr(at_);
    const auto is_one_of = [&](std::initializer_list<std::string_view> all) {
      return std::ranges::any_of(all, [&](std::string_view one) { return rest.starts_with(one); });
    };
    std::string_view what = "a character that is not ASCII stands outside quotes";
    if (is_one_of({"\u201C", "\u201D", "\u201E", "\u2018", "\u2019", "\u00AB", "\u00BB"}))
      what = "these quotes are a word processor's; write \" instead";
    if (is_one_of({"\u00A0", "\u202F", "\uFEFF"})) what = "this space is not an ordinary one; write it anew";
    return SyntaxError{{line_, static_cast<unsigned>(at_ - line_begin_ + 1)}, "not valid TOML: " + std::string(what)};
  }

  // TOML 1.0 "String". False: it does not end, so parsing will stop there.
  bool skip_string(char quote) {
    const std::string_view triple = quote == '"' ? R"(""")" : "'''";
    const bool multi_line = text_.substr(at_, 3) == triple;
    at_ += multi_line ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        // An escaped line end is counted as any other.
        at_ += text_.substr(at_ + 1, 1) == "\n" ? 1 : 2;
        continue;
      }
      if (c == '\n') {
        if (!multi_line) return false;
        ++line_;
        line_begin_ = at_ + 1;
      }
      if (c == quote && (!multi_line || text_.substr(at_, 3) == triple)) {
        at_ += multi_line ? 3 : 1;
        // Up to two quotes may stand directly before the closing three.
        while (multi_line && at_ < text_.size() && text_[at_] == quote) ++at_;
        return true;
      }
      ++at_;
    }
    return false;
  }

  [[nodiscard]] std::optional<SyntaxError> refuse(fmt::string_view what, int bound) const {
    const auto column = static_cast<unsigned>(at_ - line_begin_ + 1);
    return SyntaxError{{line_, column}, fmt::format(fmt::runtime(what), bound) + ": no setting needs that"};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  unsigned line_ = 1;
  int depth_ = 0;
  int dots_ = 0;
};

}  // namespace

std::optional<SyntaxError> beyond_bounds(std::string_view text) { return Scanner(text).scan(); }

}  // namespace saslift::config
