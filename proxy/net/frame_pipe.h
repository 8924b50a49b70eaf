// The pipe between keeper and worker: whole frames (auth/frames.h) both ways over a socket pair. What is sent
// is wiped once the kernel has it.
#pragma once

#include <functional>
#include <string_view>

#include "auth/frames.h"
#include "proxy/net/loop.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::net {

class FramePipe {
 public:
  struct Events {
    // Without its length; valid during the call, wiped after it.
    std::function<void(std::string_view frame)> frame;
    // The other end is gone or sent a malformed frame; the last event.
    std::function<void(std::string_view why)> closed;
  };

  // Takes the descriptor. The pipe is not destroyed inside its own events.
  FramePipe(Loop& loop, int descriptor, Events events);
  FramePipe(const FramePipe&) = delete;
  FramePipe& operator=(const FramePipe&) = delete;
  ~FramePipe();

  void send(config::Secret frame);

 private:
  void received(std::span<const char> bytes);
  void close_with(std::string_view why);

  UvHandle<uv_pipe_t> handle_;
  Loop& loop_;
  Events events_;
  auth::FrameReader reader_;
};

}  // namespace saslift::proxy::net
