#include "proxy/dialogue/printable.h"

#include <algorithm>
#include <cstddef>

namespace saslift::proxy {
namespace {

constexpr std::size_t longest_printable = 256;
// Base64 and JWT segments are longer than this; GUIDs (36), which providers put in their replies, are not.
constexpr std::size_t longest_plain_run = 39;

bool may_be_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
         c == '=' || c == '_' || c == '-';
}

}  // namespace

std::string printable(std::string_view line) {
  std::string out;
  std::size_t at = 0;
  while (at < line.size() && out.size() < longest_printable) {
    std::size_t end = at;
    while (end < line.size() && may_be_token(line[end])) ++end;
    if (end == at) {
      out += line[at] >= 0x20 && line[at] < 0x7f ? line[at] : '?';
      ++at;
    } else {
      // Servers echo commands they do not understand, and ours may hold a token.
      if (end - at > longest_plain_run) {
        out += "[...]";
      } else {
        out += line.substr(at, end - at);
      }
      at = end;
    }
  }
  out.resize(std::min(out.size(), longest_printable));
  return out;
}

}  // namespace saslift::proxy
