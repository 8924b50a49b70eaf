#include "proxy/imap/watch.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace saslift::proxy::imap {
namespace {

// Exchange: "BAD User is authenticated but not connected." answers the first command on a mailbox, and clients ask
// for capabilities, namespace and folders before that.
constexpr std::size_t first_answers = 4 * 1024;

// RFC 9051 7.1: a tagged or untagged NO or BAD, or the BYE that ends the connection.
bool is_refusal(std::string_view line) {
  constexpr std::array<std::string_view, 3> conditions = {"NO ", "BAD ", "BYE "};
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space == 0) return false;
  const std::string_view condition = line.substr(space + 1);
  return std::ranges::any_of(conditions, [&](std::string_view one) { return condition.starts_with(one); });
}

// RFC 9051 4.3 and RFC 7888 non-synchronizing; RFC 3516's literal8 ends alike.
std::size_t literal_behind(std::string_view line_end) {
  const auto open = line_end.rfind('{');
  if (open == std::string_view::npos || !line_end.ends_with('}')) return 0;
  const std::string_view digits = line_end.substr(open + 1, line_end.size() - open - 2);
  std::size_t size = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  return error == std::errc() && (rest == digits.data() + digits.size() || *rest == '+') ? size : 0;
}

}  // namespace

Watch watch() { return {.is_refusal = is_refusal, .bytes_watched = first_answers, .literal_behind = literal_behind}; }

}  // namespace saslift::proxy::imap
