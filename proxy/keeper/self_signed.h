// A certificate of our own, for listeners that have TLS and are given none.
#pragma once

#include <string>
#include <vector>

#include "config/network.h"
#include "config/secret.h"
#include "proxy/keeper/log_line.h"

namespace saslift::proxy::keeper {

// What a device may have been told to connect to.
struct OwnNames {
  std::vector<std::string> hosts;  // the first is the subject
  std::vector<config::IpAddress> addresses;
};

// Long, because each new one has to be carried to the devices that trust it by name; short of 2038.
inline constexpr std::chrono::days own_certificate_life{3650};

// Certificate, then key, as PEM. RSA-2048 because old firmware knows nothing else (EXCHANGE 6.1), and no authority:
// whoever steals the key cannot sign for other hosts. Throws std::runtime_error.
[[nodiscard]] config::Secret make_self_signed(const OwnNames& names, WallTime now);

}  // namespace saslift::proxy::keeper
