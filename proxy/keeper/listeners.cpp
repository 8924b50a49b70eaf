#include "proxy/keeper/listeners.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace saslift::proxy::keeper {
namespace {

constexpr int backlog = 1024;

struct SystemAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  [[nodiscard]] sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

SystemAddress to_system(const config::SocketAddress& address) {
  SystemAddress result;
  const std::string_view bytes = address.ip.bytes();
  if (address.ip.family() == config::IpAddress::Family::v4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, bytes.data(), sizeof in.sin_addr);
    std::memcpy(&result.storage, &in, sizeof in);
    result.size = sizeof in;
  } else {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(address.port);
    std::memcpy(&in6.sin6_addr, bytes.data(), sizeof in6.sin6_addr);
    std::memcpy(&result.storage, &in6, sizeof in6);
    result.size = sizeof in6;
  }
  return result;
}

// What the kernel chose where port 0 was asked for; 0: it does not say.
std::uint16_t bound_port(int socket) {
  SystemAddress bound;
  if (getsockname(socket, bound.raw(), &bound.size) != 0) return 0;
  in_port_t port = 0;
  if (bound.storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &bound.storage, sizeof in);
    port = in.sin_port;
  } else {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &bound.storage, sizeof in6);
    port = in6.sin6_port;
  }
  return ntohs(port);
}

std::string advice(int error) {
  switch (error) {
    case EADDRINUSE:
      return "; another program, or another saslift, listens there";
    case EACCES:
      return "; ports below 1024 need CAP_NET_BIND_SERVICE or socket activation";
    case EADDRNOTAVAIL:
      return "; no interface of this host has that address";
    default:
      return {};
  }
}

enum class Families : std::uint8_t { own, both };

std::expected<Descriptor, int> open_socket(const config::Listener& listener, Families families) {
  SystemAddress address = to_system(listener.address);
  Descriptor opened(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!opened) return std::unexpected(errno);
  const int on = 1;
  setsockopt(opened.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int own_family = families == Families::own ? 1 : 0;
  if (address.storage.ss_family == AF_INET6)
    setsockopt(opened.get(), IPPROTO_IPV6, IPV6_V6ONLY, &own_family, sizeof own_family);
  if (::bind(opened.get(), address.raw(), address.size) != 0) return std::unexpected(errno);
  if (::listen(opened.get(), backlog) != 0) return std::unexpected(errno);
  return opened;
}

// [::] takes IPv4 too, unless a listener of its own does on that port.
Families families_of(const config::Listener& listener, const std::vector<config::Listener>& all) {
  const config::SocketAddress& address = listener.address;
  if (address.ip.family() == config::IpAddress::Family::v4 || !address.ip.is_unspecified()) return Families::own;
  const bool taken = std::ranges::any_of(all, [&](const config::Listener& other) {
    return other.address.ip.family() == config::IpAddress::Family::v4 && other.address.port == address.port &&
           address.port != 0;
  });
  return taken ? Families::own : Families::both;
}

}  // namespace

std::expected<std::vector<OpenListener>, ListenError> open_listeners(const std::vector<config::Listener>& listeners) {
  std::vector<OpenListener> open;
  for (const auto& listener : listeners) {
    auto socket = open_socket(listener, families_of(listener, listeners));
    if (!socket) {
      const int error = socket.error();
      if (listener.optional && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL)) continue;
      return std::unexpected(ListenError{
          fmt::format("cannot listen on {}: {}{}", listener.address.text(), std::strerror(error), advice(error))});
    }
    config::SocketAddress address = listener.address;
    address.port = bound_port(socket->get());
    open.push_back({std::move(*socket), &listener, address});
  }
  if (open.empty()) return std::unexpected(ListenError{"no address of the configuration exists on this host"});
  return open;
}

std::string_view name_of(config::ListenerTls tls) {
  switch (tls) {
    case config::ListenerTls::off:
      return "off";
    case config::ListenerTls::starttls:
      return "starttls";
    case config::ListenerTls::implicit:
      return "implicit";
  }
  return "off";
}

}  // namespace saslift::proxy::keeper
