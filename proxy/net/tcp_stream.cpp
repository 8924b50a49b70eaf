#include "proxy/net/tcp_stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace saslift::proxy::net {
namespace {

// FAULTS 66: a peer that vanished is noticed within ten minutes, and IDLE's 29 silent minutes survive.
constexpr int keepalive_idle_seconds = 120;
constexpr int keepalive_interval_seconds = 60;
constexpr int keepalive_probes = 5;
constexpr unsigned user_timeout_milliseconds = 600'000;

struct KeptBytes {
  uv_write_t request{};
  std::string bytes;
};

void set_option(int descriptor, int option, const void* value, socklen_t size) {
  // Best effort: a connection without one of these works, it only dies later.
  static_cast<void>(setsockopt(descriptor, IPPROTO_TCP, option, value, size));
}

}  // namespace

TcpStream::TcpStream(Loop& loop, UvHandle<uv_tcp_t> handle) : loop_(loop), handle_(std::move(handle)) {
  handle_.set_owner(this);
  uv_tcp_nodelay(handle_.get(), 1);
  uv_tcp_keepalive(handle_.get(), 1, keepalive_idle_seconds);
  uv_os_fd_t descriptor = -1;
  if (uv_fileno(handle_.base(), &descriptor) == 0) {
    set_option(descriptor, TCP_KEEPINTVL, &keepalive_interval_seconds, sizeof keepalive_interval_seconds);
    set_option(descriptor, TCP_KEEPCNT, &keepalive_probes, sizeof keepalive_probes);
    set_option(descriptor, TCP_USER_TIMEOUT, &user_timeout_milliseconds, sizeof user_timeout_milliseconds);
  }
}

TcpStream::~TcpStream() = default;

void TcpStream::start_reading() {
  if (reading_ || failed_) return;
  reading_ = true;
  uv_read_start(
      handle_.stream(),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto* self = static_cast<TcpStream*>(handle->data);
        auto space = self->loop_.read_buffer();
        if (self->read_limit_ != 0) space = space.first(std::min(space.size(), self->read_limit_));
        *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
      },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
        auto* self = static_cast<TcpStream*>(stream->data);
        if (self == nullptr) return;
        if (size > 0) {
          self->reader_->received({buffer->base, static_cast<std::size_t>(size)});
        } else if (size == UV_EOF && self->write_error_ != 0) {
          self->fail(self->write_error_);
        } else if (size == UV_EOF) {
          self->stop_reading();
          self->reader_->ended(Ending::clean);
        } else if (size < 0) {
          self->fail(static_cast<int>(size));
        }
      });
}

void TcpStream::stop_reading() {
  if (!reading_) return;
  reading_ = false;
  uv_read_stop(handle_.stream());
}

void TcpStream::write(std::string_view bytes) {
  if (failed_ || write_error_ != 0 || bytes.empty()) return;
  if (unsent() == 0) {
    const auto all = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int sent = uv_try_write(handle_.stream(), &all, 1);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (bytes.empty()) return;
  }
  // An error of uv_try_write comes again here, by callback.
  auto kept = std::make_unique<KeptBytes>();
  kept->bytes = bytes;
  kept->request.data = kept.get();
  const auto rest = uv_buf_init(kept->bytes.data(), static_cast<unsigned>(kept->bytes.size()));
  const int error = uv_write(&kept->request, handle_.stream(), &rest, 1, [](uv_write_t* request, int status) {
    const std::unique_ptr<KeptBytes> done(static_cast<KeptBytes*>(request->data));
    auto* self = static_cast<TcpStream*>(request->handle->data);
    if (self == nullptr) return;
    if (status < 0) return self->writing_failed(status);
    if (self->unsent() == 0) self->reader_->drained();
  });
  if (error == 0) static_cast<void>(kept.release());
}

std::size_t TcpStream::unsent() const {
  return failed_ || write_error_ != 0 ? 0 : uv_stream_get_write_queue_size(handle_.stream());
}

void TcpStream::finish_writing() {
  if (failed_ || write_error_ != 0) return;
  auto request = std::make_unique<uv_shutdown_t>();
  if (uv_shutdown(request.get(), handle_.stream(), [](uv_shutdown_t* done, int) { delete done; }) == 0) {
    static_cast<void>(request.release());
  }
}

std::string TcpStream::peer_address() const {
  sockaddr_storage storage{};
  int size = sizeof storage;
  if (uv_tcp_getpeername(handle_.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  std::array<char, 64> text{};
  if (storage.ss_family == AF_INET6) {
    uv_ip6_name(reinterpret_cast<const sockaddr_in6*>(&storage), text.data(), text.size());
  } else {
    uv_ip4_name(reinterpret_cast<const sockaddr_in*>(&storage), text.data(), text.size());
  }
  std::string_view name(text.data());
  if (name.starts_with("::ffff:") && name.contains('.')) name.remove_prefix(7);
  return std::string(name);
}

// A server that refuses a message in its midst says why and closes with our bytes unread: the kernel reports the reset
// to the next write, while its words still wait to be read.
void TcpStream::writing_failed(int error) {
  if (write_error_ != 0 || failed_) return;
  write_error_ = error;
  reader_->drained();
}

void TcpStream::fail(int error) {
  if (failed_) return;
  failed_ = true;
  stop_reading();
  reader_->failed({StreamFailure::reset, uv_strerror(error)});
}

}  // namespace saslift::proxy::net
