#include "proxy/sasl/bearer.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "proxy/dialogue/client_side.h"
#include "proxy/sasl/base64.h"

namespace saslift::proxy::sasl {
namespace {

// RFC 5801 section 4: a saslname.
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

std::string prefix_of(const ServerLogin& login) {
  if (login.mechanism == config::Mechanism::xoauth2) return "user=" + login.mailbox + '\x01';
  return "n,a=" + escaped(login.mailbox) + ",\x01host=" + login.host + "\x01port=" + std::to_string(login.port) +
         '\x01';
}

int plausible(std::int64_t status) { return status >= 100 && status <= 599 ? static_cast<int>(status) : 0; }

}  // namespace

std::string_view name_of(config::Mechanism mechanism) {
  return mechanism == config::Mechanism::xoauth2 ? "XOAUTH2" : "OAUTHBEARER";
}

std::string initial_response(const ServerLogin& login) {
  const std::string prefix = prefix_of(login);
  constexpr std::string_view scheme = "auth=Bearer ";
  constexpr std::string_view end = "\x01\x01";
  std::string message;
  // In one piece: a string that grows leaves copies of the token behind.
  message.reserve(prefix.size() + scheme.size() + login.access_token.size() + end.size());
  message.append(prefix).append(scheme).append(login.access_token.reveal()).append(end);
  std::string base64 = encode_base64(message);
  config::wipe(message);
  return base64;
}

Send token_line(ServerLogin& login, std::string_view before) {
  std::string response = initial_response(login);
  login.access_token = config::Secret();
  Send line{.bytes = {}, .holds = Holds::secret};
  line.bytes.reserve(before.size() + response.size() + 2);
  line.bytes.append(before).append(response).append("\r\n");
  config::wipe(response);
  return line;
}

std::string_view error_answer(config::Mechanism mechanism) {
  return mechanism == config::Mechanism::xoauth2 ? "" : "AQ==";
}

int status_of_challenge(std::string_view base64) {
  if (base64.size() > longest_sasl_response) return 0;
  const auto bytes = decode_base64(base64);
  if (!bytes) return 0;
  const auto json = nlohmann::json::parse(bytes->reveal(), nullptr, false);
  if (!json.is_object()) return 0;
  const auto status = json.find("status");
  if (status == json.end()) return 0;
  if (status->is_number_integer()) return plausible(status->get<std::int64_t>());
  if (!status->is_string()) return 0;
  const auto& text = status->get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && rest == text.data() + text.size() ? plausible(number) : 0;
}

}  // namespace saslift::proxy::sasl
