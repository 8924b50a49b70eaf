#include "config/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace saslift::config {
namespace {

constexpr std::array<char, 12> v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '\xff', '\xff'};
constexpr unsigned v4_mapped_bits = 96;

struct ParsedIp {
  IpAddress::Family family = IpAddress::Family::v4;
  std::array<char, 16> bytes{};
};

// Without the folding of mapped addresses.
std::optional<ParsedIp> parse_ip(std::string_view text) {
  // inet_pton needs a terminated string; 45 bytes are the longest IPv6 address.
  if (text.empty() || text.size() > 45 || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  ParsedIp parsed;
  if (inet_pton(AF_INET, terminated.c_str(), parsed.bytes.data()) == 1) return parsed;
  parsed.family = IpAddress::Family::v6;
  if (inet_pton(AF_INET6, terminated.c_str(), parsed.bytes.data()) == 1) return parsed;
  return std::nullopt;
}

bool is_v4_mapped(const ParsedIp& parsed) {
  return parsed.family == IpAddress::Family::v6 && std::ranges::equal(v4_mapped, std::span(parsed.bytes).first<12>());
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const auto parsed = parse_ip(text);
  if (!parsed) return std::nullopt;
  IpAddress address;
  address.family_ = parsed->family;
  address.bytes_ = parsed->bytes;
  if (is_v4_mapped(*parsed)) {
    address.family_ = Family::v4;
    address.bytes_.fill(0);
    std::copy_n(parsed->bytes.begin() + 12, 4, address.bytes_.begin());
  }
  return address;
}

bool IpAddress::is_loopback() const {
  if (family_ == Family::v4) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](char byte) { return byte == 0; }) && bytes_[15] == 1;
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](char byte) { return byte == 0; });
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(family_ == Family::v4 ? AF_INET : AF_INET6, bytes_.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::string_view IpAddress::bytes() const { return {bytes_.data(), family_ == Family::v4 ? 4U : 16U}; }

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // "::1:1143" does not say where the port begins.
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  const auto ip = IpAddress::parse(host);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!ip || !port) return std::nullopt;
  return SocketAddress{*ip, *port};
}

std::string SocketAddress::text() const {
  const std::string port_text = std::to_string(port);
  return ip.family() == IpAddress::Family::v4 ? ip.text() + ":" + port_text : "[" + ip.text() + "]:" + port_text;
}

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto parsed = parse_ip(text.substr(0, slash));
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!parsed || !address) return std::nullopt;
  const unsigned width = address->family() == IpAddress::Family::v4 ? 32 : 128;
  unsigned length = width;
  if (slash != std::string_view::npos) {
    const auto written = parse_number<unsigned>(text.substr(slash + 1));
    if (!written) return std::nullopt;
    const unsigned folded = is_v4_mapped(*parsed) ? v4_mapped_bits : 0;
    if (*written < folded || *written - folded > width) return std::nullopt;
    length = *written - folded;
  }
  std::string bytes(address->bytes());
  for (unsigned bit = length; bit < width; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] & ~(0x80 >> (bit % 8)));
  }
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(width == 32 ? AF_INET : AF_INET6, bytes.data(), buffer.data(), buffer.size());
  // ::/0 and its like become no mapped address by masking: a mapped base has at least its 96 bits.
  Network network;
  network.base_ = *IpAddress::parse(buffer.data());
  network.prefix_length_ = length;
  return network;
}

bool Network::contains(const IpAddress& address) const {
  if (address.family() != base_.family()) return false;
  const std::string_view ours = base_.bytes();
  const std::string_view theirs = address.bytes();
  const unsigned whole = prefix_length_ / 8;
  if (ours.substr(0, whole) != theirs.substr(0, whole)) return false;
  const unsigned rest = prefix_length_ % 8;
  if (rest == 0) return true;
  const int mask = 0xff00 >> rest;
  return ((ours[whole] ^ theirs[whole]) & mask & 0xff) == 0;
}

std::string Network::text() const { return base_.text() + "/" + std::to_string(prefix_length_); }

}  // namespace saslift::config
