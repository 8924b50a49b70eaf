#include "proxy/commands/account_lines.h"

#include <fmt/format.h>

namespace saslift::proxy::commands {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// A TOML bare key: of DOMAIN\user the user, of user@domain the user, of *@domain the domain.
std::string account_name(std::string_view login) {
  login = login.substr(login.rfind('\\') + 1);
  if (login.starts_with("*@")) {
    login.remove_prefix(2);
  } else {
    login = login.substr(0, login.find('@'));
  }
  std::string name;
  for (const char c : login) {
    const bool bare =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    name += bare ? c : '-';
  }
  return name.empty() ? "device" : name;
}

}  // namespace

std::string account_lines(std::string_view login, std::string_view hash) {
  const bool wildcard = login.starts_with("*@");
  const bool has_address = login.find('@') != std::string_view::npos;
  std::string lines = fmt::format("[account.{}]\nlogin    = {}\npassword = \"{}\"\n", account_name(login),
                                  quoted(login.empty() ? account_name(login) : login), hash);
  lines += "identity = \"office\"              # the [identity.NAME] whose tokens it uses\n";
  if (wildcard) {
    lines += "protocols = [\"smtp\"]           # a wildcard must say\n";
  } else if (!has_address) {
    lines += "mailbox  = \"user@example.com\"    # the mailbox it opens\n";
  }
  return lines;
}

}  // namespace saslift::proxy::commands
