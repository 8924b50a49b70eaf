// Signals as events of the loop.
#pragma once

#include <functional>

#include "proxy/net/loop.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::keeper {

class SignalWatch {
 public:
  SignalWatch(net::Loop& loop, int signal, std::function<void()> came)
      : handle_([&](uv_signal_t* handle) { return uv_signal_init(loop.raw(), handle); }), came_(std::move(came)) {
    handle_.set_owner(this);
    uv_signal_start(
        handle_.get(),
        [](uv_signal_t* handle, int) {
          if (auto* self = static_cast<SignalWatch*>(handle->data)) self->came_();
        },
        signal);
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch() = default;

 private:
  net::UvHandle<uv_signal_t> handle_;
  std::function<void()> came_;
};

}  // namespace saslift::proxy::keeper
