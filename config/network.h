// IP addresses and networks as the configuration names them. IPv4-mapped IPv6 addresses are folded
// to IPv4 on parsing, so that "::ffff:192.0.2.1" and "192.0.2.1" are one address.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saslift::config {

class IpAddress {
 public:
  enum class Family : std::uint8_t { v4, v6 };

  IpAddress() = default;
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] std::string text() const;
  // 4 or 16 bytes, network order.
  [[nodiscard]] std::string_view bytes() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::v4;
  std::array<char, 16> bytes_{};
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  // "127.0.0.1:1143", "[::1]:1143".
  [[nodiscard]] static std::optional<SocketAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

class Network {
 public:
  // "192.168.10.0/24", "2001:db8::/32", or a single address.
  [[nodiscard]] static std::optional<Network> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] unsigned prefix_length() const { return prefix_length_; }

 private:
  IpAddress base_;
  unsigned prefix_length_ = 0;
};

}  // namespace saslift::config
