// The bytes a dialogue has received and not yet interpreted, cut into lines or counted blocks.
// Wiped as they leave: before login any of them may be a password.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/secret.h"

namespace saslift::proxy {

struct LineTooLong {};

// Whether a CR alone ends a line, as old terminals and controllers send it. It does so up to the first LF
// that comes: from then on the client is known to send LFs, and a CR is a byte of its password like any other.
enum class BareCr : std::uint8_t { is_text, ends_line };

class LineReader {
 public:
  explicit LineReader(BareCr bare_cr = BareCr::is_text) : bare_cr_(bare_cr) {}
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  void append(std::string_view bytes);
  // The next line without its CRLF (a bare LF ends one too); valid until the next call of any member.
  [[nodiscard]] std::optional<std::string_view> take_line();
  // The same, but a line of more than `longest` bytes with its end is an error, and as soon as that is sure.
  [[nodiscard]] std::expected<std::optional<std::string_view>, LineTooLong> take_line(std::size_t longest);
  // The next `size` bytes once they are all here; likewise.
  [[nodiscard]] std::optional<std::string_view> take_block(std::size_t size);
  [[nodiscard]] std::size_t size() const { return buffer_.size() - start_; }
  [[nodiscard]] std::string_view peek() const { return std::string_view(buffer_).substr(start_); }
  [[nodiscard]] config::Secret take_all();
  // The last line ended in CR and was the last byte that came: a LF that comes next is the rest of that line's end.
  [[nodiscard]] bool lf_may_follow() const { return lf_may_follow_; }

 private:
  void wipe_taken();
  // Where a CR alone ends the line that starts at start_, while no LF is in sight; npos: nowhere.
  [[nodiscard]] std::size_t bare_cr() const;

  BareCr bare_cr_;
  bool lf_may_follow_ = false;
  std::string buffer_;
  std::size_t start_ = 0;     // what lies before was taken
  std::size_t wiped_ = 0;     // of that, what is wiped already
  std::size_t searched_ = 0;  // no LF between start_ and here, so that a dripped line costs linear time
};

}  // namespace saslift::proxy
