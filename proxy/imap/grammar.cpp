#include "proxy/imap/grammar.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

#include "proxy/dialogue/client_side.h"

namespace saslift::proxy::imap {
namespace {

constexpr std::size_t longest_tag = 256;
constexpr std::size_t most_id_pairs = 30;  // RFC 2971 section 3.3

// RFC 9051 section 9: tag = 1*<any ASTRING-CHAR except "+">.
bool is_tag(std::string_view text) {
  constexpr std::string_view not_in_tags = "(){%*\"\\+";
  return !text.empty() && text.size() <= longest_tag && std::ranges::all_of(text, [&](char c) {
    return c > ' ' && c <= '~' && not_in_tags.find(c) == std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

struct TagAndName {
  std::string_view tag, name;
  std::size_t end = 0;  // where the arguments start
};

TagAndName split(std::string_view line) {
  TagAndName found;
  const std::size_t tag = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t tag_end = std::min(line.find(' ', tag), line.size());
  found.tag = line.substr(tag, tag_end - tag);
  if (!is_tag(found.tag)) return {{}, {}, line.size()};
  const std::size_t start = std::min(line.find_first_not_of(' ', tag_end), line.size());
  found.end = std::min(line.find(' ', start), line.size());
  found.name = line.substr(start, found.end - start);
  return found;
}

// RFC 9051 section 4.3: quoted. A backslash before any other character stands for itself: that is how devices
// send "DOMAIN\user". Returns the bytes behind the closing quote; nullopt: there is none.
std::optional<std::string_view> parse_quoted(std::string_view text, std::vector<config::Secret>& strings) {
  std::string value;
  value.reserve(text.size());  // in one piece, so that wiping it leaves no copy
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    const bool escapes = text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
    if (escapes) ++at;
    value += text[at];
  }
  strings.push_back(config::Secret::taken_from(value));
  if (at >= text.size()) return std::nullopt;
  return text.substr(at + 1);
}

bool parse_text(std::string_view text, std::vector<config::Secret>& strings) {
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    if (text.front() == '"') {
      const auto rest = parse_quoted(text, strings);
      if (!rest || (!rest->empty() && rest->front() != ' ')) return false;
      text = *rest;
    } else {
      const std::string_view atom = text.substr(0, text.find(' '));
      strings.emplace_back(atom);
      text.remove_prefix(atom.size());
    }
  }
  return true;
}

bool parse_views(const std::vector<std::string_view>& pieces, std::vector<config::Secret>& strings) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool is_literal = i % 2 == 1;
    if (is_literal) {
      // A literal stands by itself between spaces.
      const bool apart_before = pieces[i - 1].empty() ? i == 1 : pieces[i - 1].ends_with(' ');
      const bool apart_behind = pieces[i + 1].empty() || pieces[i + 1].starts_with(' ');
      if (!apart_before || !apart_behind) return false;
      strings.emplace_back(pieces[i]);
    } else if (!parse_text(pieces[i], strings)) {
      return false;
    }
  }
  return true;
}

bool holds_only_atoms(const Pieces& pieces) {
  const std::string_view text = pieces.front().reveal();
  return pieces.size() == 1 && !text.starts_with('"') && text.find(" \"") == std::string_view::npos;
}

std::vector<std::string_view> views(const Pieces& pieces) {
  std::vector<std::string_view> texts;
  texts.reserve(pieces.size());
  for (const auto& piece : pieces) texts.push_back(piece.reveal());
  return texts;
}

}  // namespace

std::optional<Literal> announced_literal(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const auto open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  std::string_view number = line.substr(open + 1, line.size() - open - 2);
  Literal literal;
  if (number.ends_with('+')) {  // RFC 7888
    literal.kind = LiteralKind::non_synchronizing;
    number.remove_suffix(1);
  }
  if (number.empty() || !std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::uint32_t size = 0;
  const auto error = std::from_chars(number.data(), number.data() + number.size(), size).ec;
  literal.size = error == std::errc{} ? size : std::numeric_limits<std::uint32_t>::max();
  return literal;
}

std::optional<std::vector<config::Secret>> parse_strings(const Pieces& pieces) {
  std::vector<config::Secret> strings;
  if (!parse_views(views(pieces), strings)) return std::nullopt;
  return strings;
}

std::optional<LoginArguments> parse_login(const Pieces& pieces) {
  auto strings = parse_strings(pieces);
  if (!strings || strings->size() < 2) return std::nullopt;
  if (strings->size() > 2 && !holds_only_atoms(pieces)) return std::nullopt;
  LoginArguments found{.user = std::string(strings->front().reveal()), .password = std::move(strings->back())};
  for (auto word = std::next(strings->begin()); word != std::prev(strings->end()); ++word) {
    found.user.append(" ").append(word->reveal());
  }
  return found;
}

bool is_id_parameter_list(const Pieces& pieces) {
  auto texts = views(pieces);
  std::string_view& first = texts.front();
  while (first.starts_with(' ')) first.remove_prefix(1);
  std::string_view& last = texts.back();
  while (last.ends_with(' ')) last.remove_suffix(1);
  if (texts.size() == 1 && upper_case(first) == "NIL") return true;
  if (!first.starts_with('(') || !last.ends_with(')')) return false;
  first.remove_prefix(1);
  if (last.empty()) return false;  // "(" alone
  last.remove_suffix(1);
  std::vector<config::Secret> strings;
  return parse_views(texts, strings) && strings.size() % 2 == 0 && strings.size() <= 2 * most_id_pairs;
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

CommandReader::Step CommandReader::read(LineReader& unread) {
  for (;;) {
    if (literal_) {
      const auto block = unread.take_block(*literal_);
      if (!block) return Incomplete{};
      pieces_.emplace_back(*block);
      literal_.reset();
      continue;
    }
    const auto line = unread.take_line(longest_line - size_);
    if (!line) return too_long(TooLong::What::line);
    if (!*line) return Incomplete{};
    std::string_view text = **line;
    // With its announcement, so that "{0}" without end meets the cap too.
    const std::size_t read = text.size() + 2;
    const auto literal = announced_literal(text);
    if (literal) text = text.substr(0, text.rfind('{'));
    pieces_.emplace_back(text);
    if (!literal) return finish();
    size_ += read + literal->size;
    if (literal->size > longest_literal) return too_long(TooLong::What::literal);
    if (size_ >= longest_line) return too_long(TooLong::What::line);
    literal_ = literal->size;
    if (literal->kind == LiteralKind::synchronizing) return LiteralWanted{};
  }
}

CommandReader::TooLong CommandReader::too_long(TooLong::What what) const {
  return {.tag = std::string(pieces_.empty() ? std::string_view() : split(pieces_.front().reveal()).tag), .what = what};
}

Command CommandReader::finish() {
  const auto [tag, name, end] = split(pieces_.front().reveal());
  Command command{.tag = std::string(tag), .name = upper_case(name), .arguments = {}};
  config::Secret behind_name(pieces_.front().reveal().substr(end));
  command.arguments = std::exchange(pieces_, {});
  command.arguments.front() = std::move(behind_name);
  size_ = 0;
  return command;
}

}  // namespace saslift::proxy::imap
