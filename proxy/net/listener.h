// Accepts on a socket that somebody else opened, bound and keeps: the keeper, for all its workers.
#pragma once

#include <functional>
#include <memory>

#include "proxy/net/loop.h"
#include "proxy/net/tcp_stream.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::net {

class Listener {
 public:
  // Takes the descriptor. Throws when it is not a listening socket.
  Listener(Loop& loop, int descriptor, std::function<void(std::unique_ptr<TcpStream>)> accepted);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() = default;

 private:
  void accept();

  Loop& loop_;
  UvHandle<uv_tcp_t> handle_;
  std::function<void(std::unique_ptr<TcpStream>)> accepted_;
};

}  // namespace saslift::proxy::net
