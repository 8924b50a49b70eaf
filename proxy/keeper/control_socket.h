// The socket by which `saslift status` and its kin reach the keeper: one line of JSON in, one out, closed.
// Only root and the keeper's own user are heard. Slow and many callers bother nobody but themselves.
// A request may hold a secret: what it came in is wiped once it is answered.
#pragma once

#include <chrono>
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
  static constexpr std::size_t longest_request = 64 * 1024;

  struct Limits {
    auth::Duration patience{5'000};          // for the request
    auth::Duration patience_for_us{20'000};  // from there to the answer
  };
  // Takes the reply without its LF, once, now or later; a caller that is gone by then is no error.
  using Answer = std::function<void(std::string reply)>;
  // The request without its LF, valid during the call.
  using Handler = std::function<void(std::string_view request, Answer answer)>;

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

// The other end: asks a running keeper. Blocks.
enum class AskFailure { nobody_there, broken };
struct AskError {
  AskFailure kind = AskFailure::broken;
  std::string detail;
};
inline constexpr std::chrono::seconds usual_wait{5};
inline constexpr std::chrono::seconds wait_for_disk{25};  // longer than ControlSocket waits for its keeper
[[nodiscard]] std::expected<std::string, AskError> ask_keeper(const std::string& path, std::string_view request,
                                                              std::chrono::seconds patience = usual_wait);

}  // namespace saslift::proxy::keeper
