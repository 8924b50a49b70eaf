// A SASL exchange with a mail program, as server: PLAIN (RFC 4616) and LOGIN (the draft that every device
// speaks). The protocol hands in base64 responses and sends the challenges; the exchange knows neither.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "config/secret.h"

namespace saslift::proxy::sasl {

enum class ExchangeMechanism { plain, login };
// PLAIN or LOGIN in any case.
[[nodiscard]] std::optional<ExchangeMechanism> parse_mechanism(std::string_view name);

struct Challenge {
  std::string base64;  // what to send behind "334 " or "+ "; empty for PLAIN
};
struct Credentials {
  std::string authzid;
  std::string login;
  config::Secret password;
};
enum class ExchangeError { bad_base64, bad_message, cancelled, too_long };
using ExchangeStep = std::variant<Challenge, Credentials, ExchangeError>;

class Exchange {
 public:
  explicit Exchange(ExchangeMechanism mechanism) : mechanism_(mechanism) {}

  // nullopt: the client sent no initial response; "=": an empty one (RFC 4954 section 4).
  [[nodiscard]] ExchangeStep start(std::optional<std::string_view> initial_response);
  // One line from the client; "*" cancels.
  [[nodiscard]] ExchangeStep respond(std::string_view line);

 private:
  [[nodiscard]] ExchangeStep take(std::string_view bytes);

  ExchangeMechanism mechanism_;
  std::optional<std::string> login_;
};

}  // namespace saslift::proxy::sasl
