#include "auth/login_names.h"

#include <algorithm>

namespace saslift::auth {
namespace {

constexpr std::string_view separators = "\\/";

std::vector<std::string_view> parts_of(std::string_view login) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = login.find_first_of(separators);
    parts.push_back(login.substr(0, end));
    if (end == std::string_view::npos) return parts;
    login.remove_prefix(end + 1);
  }
}

}  // namespace

std::vector<LoginReading> readings_of(std::string_view login) {
  std::vector<LoginReading> readings{{.user = login, .shared = {}}};
  const auto parts = parts_of(login);
  if (std::ranges::any_of(parts, &std::string_view::empty)) return readings;
  if (parts.size() == 3) {
    readings.push_back({.user = login.substr(0, parts[0].size() + 1 + parts[1].size()), .shared = parts[2]});
    readings.push_back({.user = parts[1], .shared = parts[2]});
  } else if (parts.size() == 2) {
    const bool slash = login[parts[0].size()] == '/';
    if (slash || parts[1].contains('@')) readings.push_back({.user = parts[0], .shared = parts[1]});
    if (!slash) readings.push_back({.user = parts[1], .shared = {}});
  }
  return readings;
}

}  // namespace saslift::auth
