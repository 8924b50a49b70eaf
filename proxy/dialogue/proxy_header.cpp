#include "proxy/dialogue/proxy_header.h"

#include <algorithm>
#include <array>

#include "config/network.h"

namespace saslift::proxy {
namespace {

using namespace std::string_view_literals;

// Section 2.1: a line of at most 107 bytes; the shortest is "PROXY UNKNOWN\r\n".
constexpr std::string_view line_start = "PROXY ";
constexpr std::size_t longest_line = 107;
// Section 2.2: signature, command, family, length.
constexpr std::string_view signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t binary_head = 16;
// TLVs behind the addresses are skipped: those of cloud balancers take a few hundred bytes.
constexpr std::size_t longest_binary_rest = 4096;

std::unexpected<ProxyHeaderFault> fault(std::string_view what) { return std::unexpected(ProxyHeaderFault{what}); }

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::size_t length_of_rest(std::string_view head) {
  return static_cast<std::size_t>(byte_at(head, 14)) << 8U | byte_at(head, 15);
}

std::optional<std::string> address_text(std::string_view raw) {
  if (raw.size() == 4) {
    return std::to_string(byte_at(raw, 0)) + '.' + std::to_string(byte_at(raw, 1)) + '.' +
           std::to_string(byte_at(raw, 2)) + '.' + std::to_string(byte_at(raw, 3));
  }
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (i > 0 && i % 2 == 0) text += ':';
    text += digits[byte_at(raw, i) >> 4U];
    text += digits[byte_at(raw, i) & 0xFU];
  }
  const auto address = config::IpAddress::parse(text);  // folds IPv4-mapped ones
  return address ? std::optional(address->text()) : std::nullopt;
}

// Cuts the first word off; words are parted by exactly one space.
std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

std::size_t ProxyHeaderReader::wanted() const {
  if (bytes_.size() < signature.size()) return signature.size() - bytes_.size();
  if (!bytes_.starts_with(signature)) return 1;  // a line, up to its LF
  if (bytes_.size() < binary_head) return binary_head - bytes_.size();
  return binary_head + length_of_rest(bytes_) - bytes_.size();
}

ProxyHeaderReader::Outcome ProxyHeaderReader::receive(std::string_view bytes) {
  bytes_.append(bytes);
  const std::string_view seen = bytes_;
  const auto begins = [seen](std::string_view with) {
    const std::size_t size = std::min(seen.size(), with.size());
    return seen.substr(0, size) == with.substr(0, size);
  };
  if (begins(line_start)) return read_line();
  if (begins(signature)) return read_binary();
  return fault("it does not begin with a PROXY header");
}

ProxyHeaderReader::Outcome ProxyHeaderReader::read_line() const {
  std::string_view line = bytes_;
  if (!line.ends_with('\n')) {
    return line.size() >= longest_line ? Outcome(fault("the PROXY line is too long")) : Outcome(std::nullopt);
  }
  if (!line.ends_with("\r\n")) return fault("the PROXY line does not end in CR LF");
  line = line.substr(line_start.size(), line.size() - line_start.size() - 2);
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return ProxyHeader{};
  const bool is_v6 = family == "TCP6";
  if (!is_v6 && family != "TCP4") return fault("the PROXY line names no address");
  const std::string_view source = take_word(line);
  const auto address = config::IpAddress::parse(source);
  // By its text: an IPv4-mapped source of TCP6 is IPv4.
  if (!address || source.contains(':') != is_v6) return fault("the PROXY line names no address");
  return ProxyHeader{address->text()};
}

ProxyHeaderReader::Outcome ProxyHeaderReader::read_binary() const {
  if (bytes_.size() < binary_head) return std::nullopt;
  constexpr std::uint8_t version_2 = 2;
  if (byte_at(bytes_, 12) >> 4U != version_2) return fault("the PROXY header is of an unknown version");
  const std::size_t rest = length_of_rest(bytes_);
  if (rest > longest_binary_rest) return fault("the PROXY header is too long");
  if (bytes_.size() < binary_head + rest) return std::nullopt;

  constexpr std::uint8_t local = 0;
  constexpr std::uint8_t proxied = 1;
  const auto command = static_cast<std::uint8_t>(byte_at(bytes_, 12) & 0xFU);
  if (command == local) return ProxyHeader{};
  if (command != proxied) return fault("the PROXY header has an unknown command");
  constexpr std::uint8_t unspecified = 0;
  constexpr std::uint8_t inet = 1;
  constexpr std::uint8_t inet6 = 2;
  const auto family = static_cast<std::uint8_t>(byte_at(bytes_, 13) >> 4U);
  if (family == unspecified) return ProxyHeader{};
  constexpr std::size_t ports = 4;
  const std::size_t size = family == inet ? 4 : family == inet6 ? 16 : 0;
  if (size == 0 || rest < 2 * size + ports) return fault("the PROXY header names no address");
  auto address = address_text(std::string_view(bytes_).substr(binary_head, size));
  if (!address) return fault("the PROXY header names no address");
  return ProxyHeader{*std::move(address)};
}

bool is_proxy_header(std::string_view first_bytes) {
  // "PROXY" alone may be an IMAP tag.
  return first_bytes.starts_with(signature) || first_bytes.starts_with("PROXY TCP4 ") ||
         first_bytes.starts_with("PROXY TCP6 ") || first_bytes.starts_with("PROXY UNKNOWN");
}

}  // namespace saslift::proxy
