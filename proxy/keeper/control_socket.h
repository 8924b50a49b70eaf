// The socket by which `saslift status` and its kin reach the keeper: one line of JSON in, one out, closed.
// Only root and the keeper's own user are heard. Slow and many callers bother nobody but themselves.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/clock.h"
#include "config/settings.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::keeper {

enum class ControlFailure { already_running, unusable };
struct ControlError {
  ControlFailure kind = ControlFailure::unusable;
  std::string detail;
};

class ControlSocket {
 public:
  static constexpr std::size_t most_callers = 16;
  static constexpr std::size_t longest_request = 4096;

  struct Limits {
    auth::Duration patience{5'000};
  };
  // The request without its LF; returns the reply without one.
  using Handler = std::function<std::string(std::string_view request)>;

  // Makes the directory with mode 0700 if it is missing; takes the place of a dead keeper's socket.
  [[nodiscard]] static std::expected<std::unique_ptr<ControlSocket>, ControlError> open(net::Loop& loop,
                                                                                        const std::string& path,
                                                                                        Limits limits, Handler handler);
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;
  // Removes the socket.
  ~ControlSocket();

 private:
  class Caller;

  ControlSocket(net::Loop& loop, Limits limits, Handler handler);
  [[nodiscard]] int listen_at(const std::string& path);
  void caller_came();
  void reap();

  net::Loop& loop_;
  Limits limits_;
  Handler handler_;
  net::UvHandle<uv_pipe_t> listener_;
  std::vector<std::unique_ptr<Caller>> callers_;
  net::Timer reap_;  // nothing of libuv's is destroyed inside its own callback
};

// `control` in $RUNTIME_DIRECTORY, else in the state directory.
[[nodiscard]] std::string control_path(const config::Service& service);

// The other end: asks a running keeper and waits at most 5 s. Blocks.
[[nodiscard]] std::expected<std::string, std::string> ask_keeper(const std::string& path, std::string_view request);

}  // namespace saslift::proxy::keeper
