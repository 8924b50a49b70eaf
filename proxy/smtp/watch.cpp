#include "proxy/smtp/watch.h"

#include <algorithm>
#include <limits>

namespace saslift::proxy::smtp {
namespace {

// Every reply line: a server's whole talk is short lines, and the refusal comes behind the message.
constexpr std::size_t all_of_it = std::numeric_limits<std::size_t>::max();

// RFC 5321 4.2.1: 4yz and 5yz.
bool is_refusal(std::string_view line) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return line.size() >= 3 && (line[0] == '4' || line[0] == '5') && is_digit(line[1]) && is_digit(line[2]);
}

}  // namespace

Watch watch() { return {.is_refusal = is_refusal, .bytes_watched = all_of_it}; }

}  // namespace saslift::proxy::smtp
