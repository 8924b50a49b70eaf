#include "tests/bench/driver/message.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace saslift::bench {
namespace {

constexpr std::string_view header =
    "From: scanner@lab.test\r\nTo: office@lab.test\r\nSubject: a large scan\r\n"
    "Message-ID: <bench@lab.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t full_line = 76;
constexpr std::size_t line_end = 2;

// splitmix64
class Letters {
 public:
  char next() {
    if (left_ == 0) {
      state_ += 0x9e3779b97f4a7c15U;
      bits_ = (state_ ^ (state_ >> 30U)) * 0xbf58476d1ce4e5b9U;
      bits_ ^= bits_ >> 27U;
      left_ = 10;
    }
    const char letter = letters[bits_ & 63U];
    bits_ >>= 6U;
    --left_;
    return letter;
  }

 private:
  std::uint64_t state_ = 1;
  std::uint64_t bits_ = 0;
  int left_ = 0;
};

std::size_t next_line(std::size_t room) {
  if (room >= 2 * (full_line + line_end)) return full_line;
  return (room > full_line + line_end ? room / 2 : room) - line_end;
}

}  // namespace

std::string make_message(std::size_t bytes) {
  const std::size_t size = std::max<std::size_t>(bytes, 1024);
  std::string message;
  message.reserve(size + line_end);  // an APPEND puts CRLF behind it
  message = header;
  Letters letters_of_body;
  while (message.size() < size) {
    for (std::size_t left = next_line(size - message.size()); left > 0; --left) message += letters_of_body.next();
    message += "\r\n";
  }
  return message;
}

}  // namespace saslift::bench
