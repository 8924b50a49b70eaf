#include "proxy/keeper/smtp_extensions.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace saslift::proxy::keeper {
namespace {

using Lines = std::vector<std::string>;

std::string keyword(std::string_view line) {
  std::string word(line.substr(0, line.find(' ')));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return word;
}

const std::string* find(const Lines& lines, std::string_view word) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const auto& line) { return keyword(line) == word; });
  return found == lines.end() ? nullptr : &*found;
}

// RFC 1870 4: no number, or 0, is no fixed limit.
std::uint64_t size_limit(std::string_view line) {
  std::uint64_t size = 0;
  const auto space = line.find(' ');
  if (space != std::string_view::npos) std::from_chars(line.data() + space + 1, line.data() + line.size(), size);
  return size == 0 ? UINT64_MAX : size;
}

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): the same both ways
Lines in_common(const Lines& ours, const Lines& theirs) {
  Lines result;
  for (const auto& line : ours) {
    const std::string* other = find(theirs, keyword(line));
    if (other == nullptr) continue;
    const bool other_is_smaller = keyword(line) == "SIZE" && size_limit(*other) < size_limit(line);
    result.push_back(other_is_smaller ? *other : line);
  }
  return result;
}

bool sends_mail(const config::Account& account) {
  return std::find(account.protocols.begin(), account.protocols.end(), config::Protocol::smtp) !=
         account.protocols.end();
}

}  // namespace

std::vector<std::string> common_smtp_extensions(const config::Settings& settings) {
  std::set<std::string> reachable;
  for (const auto& [name, account] : settings.accounts) {
    if (sends_mail(account)) reachable.insert(account.identity);
  }
  std::optional<Lines> common;
  for (const auto& name : reachable) {
    const auto identity = settings.identities.find(name);
    if (identity == settings.identities.end()) continue;
    const Lines& lines = identity->second.provider.smtp_extensions.lines;
    common = common ? in_common(*common, lines) : lines;
  }
  if (!common) return {};
  // A client that uses these talks in frames that a relay's observers would have to parse.
  std::erase_if(*common, [](const auto& line) {
    const auto word = keyword(line);
    return word == "CHUNKING" || word == "BINARYMIME" || word == "AUTH" || word == "STARTTLS";
  });
  return *common;
}

}  // namespace saslift::proxy::keeper
