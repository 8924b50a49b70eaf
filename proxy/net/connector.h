// Connects to the first of several addresses that answers (RFC 8305: the next one starts after 250 ms, or at
// once when one fails). Owned by whoever waits; destroying it cancels.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/tcp_stream.h"
#include "proxy/net/timer.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::net {

class Connector {
 public:
  using Result = std::expected<std::unique_ptr<TcpStream>, std::string>;

  // `addresses` are numeric. `done` is called once, never from within the constructor.
  Connector(Loop& loop, std::vector<std::string> addresses, std::uint16_t port, std::function<void(Result)> done);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  ~Connector();

 private:
  struct Attempt;

  void start_next();
  void attempt_failed(Attempt& attempt, std::string_view why);
  void finish(Result result);

  Loop& loop_;
  std::vector<std::string> addresses_;
  std::uint16_t port_;
  std::function<void(Result)> done_;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::string failures_;  // "192.0.2.1: connection refused; ..."
  Timer stagger_;
};

}  // namespace saslift::proxy::net
