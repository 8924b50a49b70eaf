// POP3 commands and responses as text (RFC 1939, 2449, 5034).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace saslift::proxy::pop3 {

enum class Verb : std::uint8_t {
  capa,
  user,
  pass,
  auth,
  apop,
  stls,
  noop,
  quit,
  after_login,  // a command of the TRANSACTION state
  unknown,
};

struct Command {
  Verb verb = Verb::unknown;
  // Without the spaces around it. PASS's is all behind the one space, not a byte of it lost: passwords begin and end
  // with spaces. nullopt: there is no space.
  std::optional<std::string_view> argument;
};
[[nodiscard]] Command parse_command(std::string_view line);

// "PLAIN", "PLAIN =" or "plain dGlt": a mechanism and perhaps an initial response.
struct AuthArgument {
  std::string_view mechanism;  // empty: a bare AUTH
  std::optional<std::string_view> initial_response;
};
[[nodiscard]] AuthArgument parse_auth(std::string_view argument);

enum class Status : std::uint8_t { ok, error, challenge, not_pop3 };
struct Response {
  Status status = Status::not_pop3;
  std::string_view text;  // behind "+OK ", "-ERR " or "+ "
};
[[nodiscard]] Response parse_response(std::string_view line);

// Whether an error's response code says that the same will work later (RFC 2449 section 8.1.1, RFC 3206).
enum class Cause : std::uint8_t { will_pass, other };
[[nodiscard]] Cause cause_of(std::string_view error_text);

}  // namespace saslift::proxy::pop3
