// The message behind DATA, up to the one thing that ends it: CRLF.CRLF. A dot between bare LFs or CRs is text like
// any other (FAULTS 23); dots stay stuffed as they came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace saslift::proxy::smtp::rewriting {

inline constexpr std::string_view end_of_data = ".\r\n";  // at the beginning of a line

class DataReader {
 public:
  // Takes the message's bytes off `bytes` and appends them to `message`, without the end; true once that was taken
  // too, and what is left are commands.
  [[nodiscard]] bool take(std::string_view& bytes, std::string& message);

 private:
  // Where the next byte stands; the dot and the CR that may be the end's are kept back.
  enum class At : std::uint8_t { text, behind_cr, line_start, behind_dot, behind_dot_cr };

  [[nodiscard]] static At next(At at, char byte);

  At at_ = At::line_start;
};

}  // namespace saslift::proxy::smtp::rewriting
