// The little HTTP that a browser speaks when it comes back from a sign-in: one GET to the redirect URI. Anybody on
// this host, and any page in the browser, can send one too. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "config/secret.h"

namespace saslift::proxy::sign_in {

inline constexpr std::size_t largest_request = 16 * 1024;

// Where we listen: http://localhost:port/path, by any name of the loopback.
struct RedirectTarget {
  std::uint16_t port = 0;
  std::string path = "/";
};

struct Incomplete {};
struct Refused {
  int status = 400;
  std::string_view why;
};
using RequestVerdict = std::variant<Incomplete, Refused, config::Secret>;  // Secret: the query

[[nodiscard]] RequestVerdict read_request(std::string_view bytes, const RedirectTarget& target);

// A whole response with a small page.
struct Page {
  int status = 200;
  std::string heading;
  std::string sentence;
};
[[nodiscard]] std::string response(const Page& page);

}  // namespace saslift::proxy::sign_in
