// The listening sockets: opened once, kept for the keeper's life, inherited by every worker.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/settings.h"
#include "proxy/keeper/descriptor.h"

namespace saslift::proxy::keeper {

struct OpenListener {
  Descriptor socket;
  const config::Listener* settings = nullptr;
  config::SocketAddress address;  // with the port the system chose where 0 was asked for
};

struct ListenError {
  std::string what;  // which address, why, and what to do
};

// Optional ones are left out where the host lacks their address family. The settings outlive the result.
[[nodiscard]] std::expected<std::vector<OpenListener>, ListenError> open_listeners(
    const std::vector<config::Listener>& listeners);

[[nodiscard]] std::string_view name_of(config::ListenerTls tls);

}  // namespace saslift::proxy::keeper
