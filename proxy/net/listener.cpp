#include "proxy/net/listener.h"

#include <stdexcept>

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
    if (status == UV_EMFILE || status == UV_ENFILE) static_cast<void>(self->loop_.keep_reserve());
  }));
}

void Listener::accept() {
  UvHandle<uv_tcp_t> connection([&](uv_tcp_t* tcp) { return uv_tcp_init(loop_.raw(), tcp); });
  if (!connection || uv_accept(handle_.stream(), connection.stream()) != 0) return;
  if (!loop_.keep_reserve()) {
    // The last descriptor is worth more than this client: without it none could even be turned away.
    connection.close();
    static_cast<void>(loop_.keep_reserve());
    return;
  }
  accepted_(std::make_unique<TcpStream>(loop_, std::move(connection)));
}

}  // namespace saslift::proxy::net
