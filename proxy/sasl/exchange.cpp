#include "proxy/sasl/exchange.h"

#include <algorithm>
#include <utility>

#include "proxy/dialogue/client_side.h"
#include "proxy/sasl/base64.h"

namespace saslift::proxy::sasl {
namespace {

// Devices compare these with what they expect, byte by byte; "User Name" makes some quit.
constexpr std::string_view username_prompt = "VXNlcm5hbWU6";  // "Username:"
constexpr std::string_view password_prompt = "UGFzc3dvcmQ6";  // "Password:"

bool same_word(std::string_view word, std::string_view upper) {
  return std::ranges::equal(word, upper, [](char given, char wanted) {
    return (given >= 'a' && given <= 'z' ? static_cast<char>(given - 'a' + 'A') : given) == wanted;
  });
}

std::string_view without_trailing_space(std::string_view line) {
  const auto last = line.find_last_not_of(" \t");
  return last == std::string_view::npos ? std::string_view{} : line.substr(0, last + 1);
}

ExchangeStep parse_plain(std::string_view message) {
  // RFC 4616 section 2: [authzid] NUL authcid NUL passwd. A NUL in the password is compared like any byte.
  const auto first = message.find('\0');
  if (first == std::string_view::npos) return ExchangeError::bad_message;
  const auto second = message.find('\0', first + 1);
  if (second == std::string_view::npos) return ExchangeError::bad_message;
  return Credentials{.authzid = std::string(message.substr(0, first)),
                     .login = std::string(message.substr(first + 1, second - first - 1)),
                     .password = config::Secret(message.substr(second + 1))};
}

}  // namespace

std::optional<ExchangeMechanism> parse_mechanism(std::string_view name) {
  if (same_word(name, "PLAIN")) return ExchangeMechanism::plain;
  if (same_word(name, "LOGIN")) return ExchangeMechanism::login;
  return std::nullopt;
}

ExchangeStep Exchange::start(std::optional<std::string_view> initial_response) {
  // An empty initial response says nothing in either mechanism, so the client is asked.
  if (!initial_response || *initial_response == "=") {
    return Challenge{.base64 = std::string(mechanism_ == ExchangeMechanism::login ? username_prompt : "")};
  }
  return respond(*initial_response);
}

ExchangeStep Exchange::respond(std::string_view line) {
  if (line.size() > longest_sasl_response) return ExchangeError::too_long;
  const std::string_view response = without_trailing_space(line);
  if (response == "*") return ExchangeError::cancelled;
  const auto bytes = decode_base64(response);
  if (!bytes) return ExchangeError::bad_base64;
  return take(bytes->reveal());
}

ExchangeStep Exchange::take(std::string_view bytes) {
  if (mechanism_ == ExchangeMechanism::plain) return parse_plain(bytes);
  if (!login_) {
    login_ = bytes;
    return Challenge{.base64 = std::string(password_prompt)};
  }
  return Credentials{
      .authzid = {}, .login = std::exchange(login_, std::nullopt).value(), .password = config::Secret(bytes)};
}

}  // namespace saslift::proxy::sasl
