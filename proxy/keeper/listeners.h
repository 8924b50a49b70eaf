// The listening sockets: opened once, kept for the keeper's life, inherited by every worker.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "proxy/keeper/descriptor.h"

namespace saslift::proxy::keeper {

struct OpenListener {
  Descriptor socket;
  const config::Listener* settings = nullptr;    // none: inherited, and no [[listener]] has claimed it yet
  config::SocketAddress address;                 // with the port the system chose where 0 was asked for
  std::optional<std::int64_t> certificate_ends;  // since 1970
};

struct ListenError {
  std::string what;  // which address, why, and what to do
};

// Optional ones are left out where the host lacks their address family. The settings outlive the result.
[[nodiscard]] std::expected<std::vector<OpenListener>, ListenError> open_listeners(
    const std::vector<config::Listener>& listeners);

// The same with sockets that are open already, inherited or from before a reload: a socket whose address is still
// wanted is kept, so that nothing queued on it is lost. On an error `open` is as it was; else it is left with what
// nobody wants any more.
[[nodiscard]] std::expected<std::vector<OpenListener>, ListenError> reopen_listeners(
    std::vector<OpenListener>& open, const std::vector<config::Listener>& listeners);
struct Reopening {
  std::vector<OpenListener>& before;
  std::vector<OpenListener>& now;
};
// Takes that back: the sockets return to where they came from.
void undo(Reopening reopening);

// A socket that listens for something else than mail.
[[nodiscard]] std::expected<Descriptor, ListenError> listen_at(const config::SocketAddress& address);

// Where a socket is bound; nullopt: not at an address of IPv4 or IPv6.
[[nodiscard]] std::optional<config::SocketAddress> bound_address(int socket);

}  // namespace saslift::proxy::keeper
