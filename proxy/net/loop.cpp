#include "proxy/net/loop.h"

#include <sys/socket.h>

#include <cassert>
#include <cstdlib>
#include <stdexcept>

namespace saslift::proxy::net {
namespace {

constexpr std::size_t read_buffer_size = 64 * 1024;
// A read may complete a record whose beginning came with the one before.
constexpr std::size_t plaintext_buffer_size = read_buffer_size + 16 * 1024;

}  // namespace

Loop::Loop() : read_buffer_(read_buffer_size) {
  if (const int error = uv_loop_init(&loop_); error != 0) throw std::runtime_error(uv_strerror(error));
  loop_.data = this;
  if (const int error =
          uv_async_init(&loop_, &wake_, [](uv_async_t* wake) { static_cast<Loop*>(wake->loop->data)->run_tasks(); });
      error != 0) {
    uv_loop_close(&loop_);
    throw std::runtime_error(uv_strerror(error));
  }
  uv_unref(reinterpret_cast<uv_handle_t*>(&wake_));
}

Loop::~Loop() {
  run_tasks();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  // A stop() that nobody saw would end the first run at once.
  while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) {
  }
  if (uv_loop_close(&loop_) != 0) {
    assert(false && "a handle outlived its loop");
    std::abort();
  }
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void Loop::stop() { uv_stop(&loop_); }

void Loop::later(std::function<void()> task) {
  tasks_.push_back(std::move(task));
  uv_async_send(&wake_);
}

bool Loop::keep_reserve() {
  // libuv fills it from a file, which a confined worker cannot open; a socket does as well.
  if (loop_.emfile_fd < 0) loop_.emfile_fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return loop_.emfile_fd >= 0;
}

std::span<char> Loop::plaintext_buffer() {
  if (plaintext_buffer_.empty()) plaintext_buffer_.resize(plaintext_buffer_size);
  return plaintext_buffer_;
}

void Loop::run_tasks() {
  while (!tasks_.empty()) {
    auto tasks = std::move(tasks_);
    tasks_.clear();
    for (auto& task : tasks) task();
  }
}

auth::Instant Loop::now() const { return auth::Instant(auth::Duration(uv_now(&loop_))); }

}  // namespace saslift::proxy::net
