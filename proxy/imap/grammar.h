// What a client's command looks like before login (RFC 9051 section 9): a line, which may be broken by
// literals. Knows no command but the shape of its arguments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/secret.h"
#include "proxy/dialogue/line_reader.h"

namespace saslift::proxy::imap {

// The words of a command: text, literal, text, literal, ..., text; never empty.
using Pieces = std::vector<config::Secret>;

struct Command {
  std::string tag;   // empty: there was none that could be answered
  std::string name;  // upper case; empty: there was none
  Pieces arguments;  // what follows the name
};

enum class LiteralKind { synchronizing, non_synchronizing };

// "{12}" or "{12+}" at the end of a line.
struct Literal {
  std::size_t size = 0;  // one beyond 32 bits is told as the largest
  LiteralKind kind = LiteralKind::synchronizing;
};
[[nodiscard]] std::optional<Literal> announced_literal(std::string_view line);

// The strings, atoms and literals in a command's arguments, "quoted" ones resolved; nullopt: not well-formed.
// Takes atoms as clients send them: any bytes but a space, `\` and `@` among them.
[[nodiscard]] std::optional<std::vector<config::Secret>> parse_strings(const Pieces& pieces);
// LOGIN's. A name of several words that nobody quoted (EXCHANGE 6.2) ends where the last atom, the password, begins;
// beside a quoted string or a literal it is no name.
struct LoginArguments {
  std::string user;
  config::Secret password;
};
[[nodiscard]] std::optional<LoginArguments> parse_login(const Pieces& pieces);
// RFC 2971: "NIL" or "(" string pairs ")", at most 30 of them.
[[nodiscard]] bool is_id_parameter_list(const Pieces& pieces);

[[nodiscard]] std::string upper_case(std::string_view text);

// Collects one command after the other. A literal's bytes are never taken for a command: they are
// consumed with the command that announced them, or the connection has to be closed.
class CommandReader {
 public:
  struct Incomplete {};
  struct LiteralWanted {};  // ask for it with "+", then go on reading
  struct TooLong {
    std::string tag;
    enum class What { line, literal } what = What::line;
  };
  using Step = std::variant<Incomplete, LiteralWanted, TooLong, Command>;

  [[nodiscard]] Step read(LineReader& unread);
  // Whether the next byte starts a command.
  [[nodiscard]] bool at_start() const { return pieces_.empty(); }

 private:
  [[nodiscard]] TooLong too_long(TooLong::What what) const;
  [[nodiscard]] Command finish();

  Pieces pieces_;                       // the first still with tag and name
  std::optional<std::size_t> literal_;  // size of the one that comes next
  std::size_t size_ = 0;
};

}  // namespace saslift::proxy::imap
