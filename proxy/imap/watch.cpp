#include "proxy/imap/watch.h"

#include <algorithm>
#include <array>

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

}  // namespace

Watch watch() { return {.is_refusal = is_refusal, .bytes_watched = first_answers}; }

}  // namespace saslift::proxy::imap
