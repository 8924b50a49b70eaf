// Listening sockets that a service manager opened for us, LISTEN_FDS (sd_listen_fds(3)): how a keeper without
// privileges serves ports below 1024, and how nobody is refused while it restarts.
#pragma once

#include <string>
#include <vector>

#include "proxy/keeper/listeners.h"

namespace saslift::proxy::keeper {

struct Inherited {
  std::vector<OpenListener> listeners;  // without settings yet
  std::vector<std::string> unusable;    // what else came with them, and why it is left alone
};

// Takes what the environment names and removes it from there.
[[nodiscard]] Inherited take_inherited_listeners();

}  // namespace saslift::proxy::keeper
