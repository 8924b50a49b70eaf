#include "proxy/smtp/rewriting/data_reader.h"

#include <algorithm>

namespace saslift::proxy::smtp::rewriting {

DataReader::At DataReader::next(At at, char byte) {
  if (at == At::line_start && byte == '.') return At::behind_dot;
  if (at == At::behind_dot && byte == '\r') return At::behind_dot_cr;
  if (at == At::behind_cr && byte == '\n') return At::line_start;
  return byte == '\r' ? At::behind_cr : At::text;
}

bool DataReader::take(std::string_view& bytes, std::string& message) {
  while (!bytes.empty()) {
    if (at_ == At::text) {
      const std::size_t plain = std::min(bytes.find('\r'), bytes.size());
      message.append(bytes.substr(0, plain));
      bytes.remove_prefix(plain);
      if (bytes.empty()) break;
    }
    const char byte = bytes.front();
    bytes.remove_prefix(1);
    const At before = at_;
    at_ = next(before, byte);
    if (before == At::behind_dot_cr) {
      if (byte == '\n') {
        at_ = At::line_start;
        return true;
      }
      message.append(".\r");
    } else if (before == At::behind_dot && at_ != At::behind_dot_cr) {
      message.push_back('.');
    }
    if (at_ != At::behind_dot && at_ != At::behind_dot_cr) message.push_back(byte);
  }
  return false;
}

}  // namespace saslift::proxy::smtp::rewriting
