#include "proxy/net/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace saslift::proxy::net {
namespace {

constexpr int backlog = 1024;

void require(int result) {
  if (result != 0) throw std::runtime_error(uv_strerror(result));
}

}  // namespace

Listener::Listener(Loop& loop, int descriptor, std::function<void(std::unique_ptr<TcpStream>)> accepted)
    : loop_(loop),
      handle_([&](uv_tcp_t* tcp) { return uv_tcp_init(loop.raw(), tcp); }),
      accepted_(std::move(accepted)) {
  handle_.set_owner(this);
  require(uv_tcp_open(handle_.get(), descriptor));
  require(uv_listen(handle_.stream(), backlog, [](uv_stream_t* stream, int status) {
    auto* self = static_cast<Listener*>(stream->data);
    if (self == nullptr) return;
    if (status == 0) return self->accept();
    if (status == UV_EMFILE || status == UV_ENFILE) self->turn_away();
  }));
}

void Listener::accept() {
  UvHandle<uv_tcp_t> connection([&](uv_tcp_t* tcp) { return uv_tcp_init(loop_.raw(), tcp); });
  if (!connection || uv_accept(handle_.stream(), connection.stream()) != 0) return;
  accepted_(std::make_unique<TcpStream>(loop_, std::move(connection)));
}

// libuv calls again and again while a client waits and no descriptor is left for it. Its own way out opens a file,
// which a worker cannot.
void Listener::turn_away() {
  uv_os_fd_t listening = -1;
  if (uv_fileno(handle_.base(), &listening) != 0) return;
  spare_.release();
  for (int client = -1; (client = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) ::close(client);
  const bool none_left = errno == EMFILE || errno == ENFILE;
  spare_.take();
  constexpr timespec a_moment{0, 5'000'000};
  if (none_left) ::nanosleep(&a_moment, nullptr);
}

void Listener::Spare::take() { descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

void Listener::Spare::release() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace saslift::proxy::net
