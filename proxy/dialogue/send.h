// Actions that both sides of a session give.
#pragma once

#include <cstdint>
#include <string>

namespace saslift::proxy {

enum class Holds : std::uint8_t { no_secret, secret };

// Write these bytes to the peer. Bytes that hold a secret are wiped by whoever has sent them,
// and no trace shows them.
struct Send {
  std::string bytes;
  Holds holds = Holds::no_secret;
};

// Start TLS on this stream; whatever was sent before goes out in clear first.
struct StartTls {};

}  // namespace saslift::proxy
