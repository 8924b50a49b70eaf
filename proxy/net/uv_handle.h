// A libuv handle with one owner. Destroying the owner closes the handle; libuv's rule that the memory lives
// until the close callback is kept here and nowhere else. After closing no callback of it finds an owner.
#pragma once

#include <uv.h>

#include <utility>

namespace saslift::proxy::net {

template <class Handle>
class UvHandle {
 public:
  UvHandle() = default;
  // `init` is uv_tcp_init and its kin; on failure the object is empty and error() tells why.
  template <class Init>
  explicit UvHandle(Init init) : handle_(new Handle{}) {
    error_ = init(handle_);
    if (error_ != 0) {
      // A handle that was never initialised must not be closed.
      delete handle_;
      handle_ = nullptr;
    }
  }
  UvHandle(UvHandle&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), error_(std::exchange(other.error_, 0)) {}
  UvHandle& operator=(UvHandle&& other) noexcept {
    if (this != &other) {
      close();
      handle_ = std::exchange(other.handle_, nullptr);
      error_ = std::exchange(other.error_, 0);
    }
    return *this;
  }
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;
  ~UvHandle() { close(); }

  void close() {
    if (handle_ == nullptr) return;
    handle_->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(handle_, nullptr)),
             [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }

  explicit operator bool() const { return handle_ != nullptr; }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] Handle* get() const { return handle_; }
  [[nodiscard]] uv_stream_t* stream() const { return reinterpret_cast<uv_stream_t*>(handle_); }
  [[nodiscard]] uv_handle_t* base() const { return reinterpret_cast<uv_handle_t*>(handle_); }
  template <class Owner>
  void set_owner(Owner* owner) {
    handle_->data = owner;
  }

 private:
  Handle* handle_ = nullptr;
  int error_ = 0;
};

}  // namespace saslift::proxy::net
