#include "proxy/net/frame_pipe.h"

#include <memory>
#include <stdexcept>

namespace saslift::proxy::net {
namespace {

struct PendingFrame {
  uv_write_t request{};
  config::Secret bytes;
};

}  // namespace

FramePipe::FramePipe(Loop& loop, int descriptor, Events events)
    : handle_([&](uv_pipe_t* pipe) { return uv_pipe_init(loop.raw(), pipe, 0); }),
      loop_(loop),
      events_(std::move(events)) {
  if (const int error = uv_pipe_open(handle_.get(), descriptor); error != 0) {
    throw std::runtime_error(uv_strerror(error));
  }
  handle_.set_owner(this);
  uv_read_start(
      handle_.stream(),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        const auto space = static_cast<Loop*>(handle->loop->data)->read_buffer();
        *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
      },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
        auto* self = static_cast<FramePipe*>(stream->data);
        if (self == nullptr) return;
        if (size > 0) self->received({buffer->base, static_cast<std::size_t>(size)});
        if (size < 0) self->close_with(size == UV_EOF ? "closed" : uv_strerror(static_cast<int>(size)));
      });
}

FramePipe::~FramePipe() = default;

void FramePipe::received(std::span<const char> bytes) {
  reader_.append({bytes.data(), bytes.size()});
  config::wipe(const_cast<char*>(bytes.data()), bytes.size());  // the loop's buffer, ours during this call
  while (handle_) {
    auto frame = reader_.next();
    if (!frame) return close_with(frame.error().what);
    if (!*frame) return;
    events_.frame(**frame);
  }
}

void FramePipe::close_with(std::string_view why) {
  if (!handle_) return;
  handle_.close();
  events_.closed(why);
}

void FramePipe::send(config::Secret frame) {
  if (!handle_) return;
  std::size_t sent = 0;
  if (uv_stream_get_write_queue_size(handle_.stream()) == 0) {
    const auto all = uv_buf_init(const_cast<char*>(frame.reveal().data()), static_cast<unsigned>(frame.size()));
    const int written = uv_try_write(handle_.stream(), &all, 1);
    if (written > 0) sent = static_cast<std::size_t>(written);
    if (written < 0 && written != UV_EAGAIN) return;  // reading tells that the other end is gone
  }
  if (sent == frame.size()) return;
  auto pending = std::make_unique<PendingFrame>();
  pending->bytes = std::move(frame);
  pending->request.data = pending.get();
  const auto rest = pending->bytes.reveal().substr(sent);
  const auto buffer = uv_buf_init(const_cast<char*>(rest.data()), static_cast<unsigned>(rest.size()));
  if (uv_write(&pending->request, handle_.stream(), &buffer, 1,
               [](uv_write_t* request, int) { delete static_cast<PendingFrame*>(request->data); }) == 0) {
    static_cast<void>(pending.release());
  }
}

}  // namespace saslift::proxy::net
