// SMTP commands and replies as text (RFC 5321, 4954).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saslift::proxy::smtp {

enum class Verb : std::uint8_t {
  ehlo,
  helo,
  auth,
  starttls,
  noop,
  rset,
  help,
  vrfy,
  quit,
  mail,
  after_login,  // whatever else a server may want a login for
  unknown,
};

struct Command {
  Verb verb = Verb::unknown;
  std::string_view argument;  // without the spaces around it
};
[[nodiscard]] Command parse_command(std::string_view line);

// "PLAIN", "PLAIN =" or "login c2Nhbm5lcg==": a mechanism and perhaps an initial response.
struct AuthArgument {
  std::string_view mechanism;  // empty: there was none
  std::optional<std::string_view> initial_response;
};
[[nodiscard]] AuthArgument parse_auth(std::string_view argument);

struct Reply {
  int code = 0;
  std::vector<std::string> lines;  // the text behind the code

  [[nodiscard]] int severity() const { return code / 100; }
  // All of it in one line, for the log.
  [[nodiscard]] std::string words() const;
};

enum class ReplyFault : std::uint8_t { not_smtp, too_long };

// Puts a reply together from its lines (RFC 5321 section 4.2.1), up to 128 of them or 64 KiB.
class ReplyReader {
 public:
  // nullopt: the reply goes on.
  [[nodiscard]] std::expected<std::optional<Reply>, ReplyFault> take(std::string_view line);

 private:
  Reply reply_;
  std::size_t size_ = 0;
};

// What an EHLO reply offers: its keyword lines are all but the first.
[[nodiscard]] bool offers_starttls(const Reply& ehlo);
[[nodiscard]] bool offers_mechanism(const Reply& ehlo, std::string_view mechanism);

}  // namespace saslift::proxy::smtp
