#include "auth/password.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/commands/account_lines.h"
#include "proxy/commands/subcommands.h"

namespace saslift::proxy::commands {
namespace {

constexpr std::size_t longest_password = 1024;

bool is_control(char c) { return (c >= 0 && c < ' ') || c == 0x7f; }

int refuse(std::string_view why) {
  fmt::print(stderr, "saslift password: {}\n", why);
  return wrong_use;
}

// nullopt: none that a device could send.
std::optional<config::Secret> read_password() {
  std::string line;
  std::getline(std::cin, line);
  if (line.ends_with('\r')) line.pop_back();
  const bool fine =
      !line.empty() && line.size() <= longest_password && std::none_of(line.begin(), line.end(), is_control);
  config::Secret password = config::Secret::taken_from(line);
  if (!fine) return std::nullopt;
  return password;
}

void print_json(const std::string& login, const config::Secret& password, const std::string& hash) {
  const nlohmann::ordered_json object{{"login", login}, {"password", password.reveal()}, {"hash", hash}};
  fmt::print(stdout, "{}\n", object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

int password(const PasswordOptions& options) {
  if (std::any_of(options.login.begin(), options.login.end(), is_control)) {
    return refuse("the login holds a control character, which no device can send");
  }
  std::optional<config::Secret> chosen;
  if (options.source == PasswordSource::standard_input) {
    chosen = read_password();
    if (!chosen) {
      return refuse("standard input must hold one line: 1 to 1024 bytes, no control characters");
    }
  }
  const config::Secret password = chosen ? std::move(*chosen) : auth::generate_password();
  const std::string hash = auth::hash_password(password);
  if (options.output == Output::json) {
    print_json(options.login, password, hash);
    return yes;
  }
  if (options.source == PasswordSource::generated) {
    fmt::print(stdout, "password: {}\n\nType it into the device now: it is not shown again. ", password.reveal());
  }
  fmt::print(stdout, "For the configuration:\n\n{}", account_lines(options.login, hash));
  return yes;
}

}  // namespace saslift::proxy::commands
