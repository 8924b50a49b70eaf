#include "proxy/keeper/listeners.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
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

std::expected<Descriptor, int> open_socket(const config::SocketAddress& wanted, Families families) {
  SystemAddress address = to_system(wanted);
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

// For each wanted listener the open one with its address; that of its own protocol first, because port 0 says little.
std::vector<OpenListener*> kept_ones(std::vector<OpenListener>& open, const std::vector<config::Listener>& wanted) {
  std::vector<OpenListener*> kept(wanted.size(), nullptr);
  const auto claim = [&](std::size_t index, const auto& fits) {
    if (kept[index] != nullptr) return;
    for (OpenListener& one : open) {
      const bool is_free = std::ranges::find(kept, &one) == kept.end();
      const auto& address = one.settings != nullptr ? one.settings->address : one.address;
      if (!is_free || address.text() != wanted[index].address.text() || !fits(one)) continue;
      kept[index] = &one;
      return;
    }
  };
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    claim(i, [&](const OpenListener& one) {
      return one.settings != nullptr && one.settings->protocol == wanted[i].protocol;
    });
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    claim(i, [&](const OpenListener&) { return wanted[i].address.port != 0; });
  }
  return kept;
}

ListenError cannot_listen(const config::SocketAddress& address, int error) {
  return {fmt::format("cannot listen on {}: {}{}", address.text(), std::strerror(error), advice(error))};
}

// nullopt: an optional one whose address family the host lacks.
std::expected<std::optional<OpenListener>, ListenError> open_one(const config::Listener& listener, Families families) {
  auto socket = open_socket(listener.address, families);
  if (!socket) {
    const int error = socket.error();
    if (listener.optional && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL)) return std::nullopt;
    return std::unexpected(cannot_listen(listener.address, error));
  }
  // Port 0 has become one that the kernel chose.
  const auto address = bound_address(socket->get()).value_or(listener.address);
  return OpenListener{std::move(*socket), &listener, address, {}};
}

}  // namespace

std::expected<std::vector<OpenListener>, ListenError> open_listeners(const std::vector<config::Listener>& listeners) {
  std::vector<OpenListener> none;
  return reopen_listeners(none, listeners);
}

std::expected<std::vector<OpenListener>, ListenError> reopen_listeners(std::vector<OpenListener>& open,
                                                                       const std::vector<config::Listener>& listeners) {
  const auto kept = kept_ones(open, listeners);
  std::vector<std::optional<OpenListener>> result(listeners.size());
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    if (kept[i] != nullptr) continue;
    auto opened = open_one(listeners[i], families_of(listeners[i], listeners));
    if (!opened) return std::unexpected(std::move(opened).error());
    result[i] = std::move(*opened);
  }
  std::vector<OpenListener> all;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    if (kept[i] != nullptr) result[i] = OpenListener{std::move(kept[i]->socket), &listeners[i], kept[i]->address, {}};
    if (result[i]) all.push_back(std::move(*result[i]));
  }
  if (all.empty()) return std::unexpected(ListenError{"no address of the configuration exists on this host"});
  return all;
}

std::expected<Descriptor, ListenError> listen_at(const config::SocketAddress& address) {
  auto socket = open_socket(address, Families::own);
  if (!socket) return std::unexpected(cannot_listen(address, socket.error()));
  return std::move(*socket);
}

void undo(Reopening reopening) {
  for (OpenListener& one : reopening.before) {
    const auto taken = std::ranges::find_if(reopening.now, [&](const OpenListener& other) {
      return other.socket && other.address.text() == one.address.text();
    });
    if (!one.socket && taken != reopening.now.end()) one.socket = std::move(taken->socket);
  }
}

std::optional<config::SocketAddress> bound_address(int socket) {
  SystemAddress bound;
  if (getsockname(socket, bound.raw(), &bound.size) != 0) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (bound.storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &bound.storage, sizeof in);
    inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    return config::SocketAddress::parse(fmt::format("{}:{}", text.data(), ntohs(in.sin_port)));
  }
  if (bound.storage.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &bound.storage, sizeof in6);
    inet_ntop(AF_INET6, &in6.sin6_addr, text.data(), text.size());
    return config::SocketAddress::parse(fmt::format("[{}]:{}", text.data(), ntohs(in6.sin6_port)));
  }
  return std::nullopt;
}

}  // namespace saslift::proxy::keeper
