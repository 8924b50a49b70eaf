#include "auth/grants/redirect.h"

#include <algorithm>
#include <array>

#include "auth/grants/form.h"

namespace saslift::auth {
namespace {

struct Seen {
  std::string_view name;
  bool before = false;
};

}  // namespace

std::optional<Redirect> read_redirect(std::string_view query) {
  Redirect redirect;
  std::array<Seen, 4> seen{{{"code"}, {"state"}, {"error"}, {"error_description"}}};
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::string_view name = pair.substr(0, pair.find('='));
    const auto known = std::ranges::find(seen, name, &Seen::name);
    if (known == seen.end()) continue;
    // RFC 6749 section 3.1: parameters must not be included more than once.
    if (known->before) return std::nullopt;
    known->before = true;
    auto value = url_decoded(pair.substr(std::min(pair.size(), name.size() + 1)));
    if (!value) return std::nullopt;
    if (name == "code") {
      redirect.code = std::move(*value);
    } else if (name == "state") {
      redirect.state = value->reveal();
    } else if (name == "error") {
      redirect.error = value->reveal();
    } else {
      redirect.error_description = value->reveal();
    }
  }
  return redirect;
}

std::string_view query_in(std::string_view pasted) {
  static constexpr std::string_view around = " \t\r\n\"'<>";
  const std::size_t first = pasted.find_first_not_of(around);
  if (first == std::string_view::npos) return {};
  pasted = pasted.substr(first, pasted.find_last_not_of(around) - first + 1);
  pasted = pasted.substr(0, pasted.find('#'));
  if (const std::size_t mark = pasted.find('?'); mark != std::string_view::npos) return pasted.substr(mark + 1);
  return pasted.find("://") == std::string_view::npos ? pasted : std::string_view();
}

}  // namespace saslift::auth
