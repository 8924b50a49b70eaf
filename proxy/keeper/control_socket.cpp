#include "proxy/keeper/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "proxy/keeper/descriptor.h"

namespace saslift::proxy::keeper {
namespace {

constexpr int backlog = 16;

bool is_ours(const net::UvHandle<uv_pipe_t>& connection) {
  uv_os_fd_t descriptor = -1;
  if (uv_fileno(connection.base(), &descriptor) != 0) return false;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

enum class Place { free, taken_alive, taken_by_other };

// A dead keeper's socket is still there but refuses connections; it is removed.
Place clear_place(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return Place::free;
  if (!S_ISSOCK(status.st_mode)) return Place::taken_by_other;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  // EAGAIN: alive, with a full backlog.
  if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
    return Place::taken_alive;
  }
  if (errno != ECONNREFUSED) return Place::taken_by_other;
  ::unlink(path.c_str());
  return Place::free;
}

}  // namespace

class ControlSocket::Caller {
 public:
  Caller(ControlSocket& all, net::UvHandle<uv_pipe_t> connection)
      : all_(all), connection_(std::move(connection)), patience_(all.loop_, [this] { end(); }) {
    connection_.set_owner(this);
    request_.reserve(longest_request + 1);  // so that growing leaves no copy behind
    patience_.set(all.limits_.patience);
    uv_read_start(
        connection_.stream(),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
          const auto space = static_cast<net::Loop*>(handle->loop->data)->read_buffer();
          *buffer = uv_buf_init(space.data(), static_cast<unsigned>(std::min(space.size(), longest_request)));
        },
        [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
          auto* self = static_cast<Caller*>(stream->data);
          if (self == nullptr) return;
          if (size < 0) return self->end();
          self->received({buffer->base, static_cast<std::size_t>(size)});
          config::wipe(buffer->base, static_cast<std::size_t>(size));
        });
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller() { config::wipe(request_); }

  [[nodiscard]] bool ended() const { return !connection_; }

 private:
  struct Reply {
    uv_write_t write{};
    std::string text;
  };

  void received(std::string_view bytes) {
    if (request_.size() + bytes.size() > longest_request + 1) return end();
    request_ += bytes;
    const auto end_of_line = request_.find('\n');
    if (end_of_line == std::string::npos) {
      if (request_.size() > longest_request) end();
      return;
    }
    uv_read_stop(connection_.stream());
    patience_.set(all_.limits_.patience_for_us);
    all_.handler_(std::string_view(request_).substr(0, end_of_line), [self = std::weak_ptr(self_)](std::string reply) {
      if (const auto caller = self.lock()) (*caller)->answer(std::move(reply));
    });
    config::wipe(request_);
  }

  void answer(std::string text) {
    if (ended() || answered_) return;
    answered_ = true;
    auto reply = std::make_unique<Reply>();
    reply->text = std::move(text) + "\n";
    reply->write.data = reply.get();
    const auto buffer = uv_buf_init(reply->text.data(), static_cast<unsigned>(reply->text.size()));
    const int error = uv_write(&reply->write, connection_.stream(), &buffer, 1, [](uv_write_t* write, int) {
      const std::unique_ptr<Reply> sent(static_cast<Reply*>(write->data));
      if (auto* self = static_cast<Caller*>(write->handle->data)) self->end();
    });
    if (error != 0) return end();
    static_cast<void>(reply.release());
  }

  void end() {
    connection_.close();
    all_.reap_.set(auth::Duration{0});
  }

  ControlSocket& all_;
  net::UvHandle<uv_pipe_t> connection_;
  net::Timer patience_;
  std::string request_;
  bool answered_ = false;
  std::shared_ptr<Caller*> self_ = std::make_shared<Caller*>(this);  // of whom answers to come know
};

ControlSocket::ControlSocket(net::Loop& loop, Limits limits, Handler handler)
    : loop_(loop), limits_(limits), handler_(std::move(handler)), reap_(loop, [this] { reap(); }) {}

ControlSocket::~ControlSocket() = default;

std::expected<std::unique_ptr<ControlSocket>, ControlError> ControlSocket::open(net::Loop& loop,
                                                                                const std::string& path, Limits limits,
                                                                                Handler handler) {
  const auto unusable = [&](std::string_view why) {
    return std::unexpected(ControlError{ControlFailure::unusable, fmt::format("{}: {}", path, why)});
  };
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return unusable("the path is too long for a socket");
  const std::string directory = path.substr(0, path.rfind('/'));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return unusable(std::strerror(errno));
  switch (clear_place(path)) {
    case Place::taken_alive:
      return std::unexpected(ControlError{ControlFailure::already_running, path});
    case Place::taken_by_other:
      return unusable("there is something there that is no socket of ours");
    case Place::free:
      break;
  }
  std::unique_ptr<ControlSocket> control(new ControlSocket(loop, limits, std::move(handler)));
  if (const int error = control->listen_at(path); error != 0) return unusable(uv_strerror(error));
  return control;
}

int ControlSocket::listen_at(const std::string& path) {
  listener_ = net::UvHandle<uv_pipe_t>([&](uv_pipe_t* pipe) { return uv_pipe_init(loop_.raw(), pipe, 0); });
  listener_.set_owner(this);
  const mode_t before = ::umask(0177);
  int error = uv_pipe_bind(listener_.get(), path.c_str());  // removes the path again on close
  ::umask(before);
  if (error != 0) return error;
  error = uv_listen(listener_.stream(), backlog, [](uv_stream_t* stream, int status) {
    auto* self = static_cast<ControlSocket*>(stream->data);
    if (self != nullptr && status == 0) self->caller_came();
  });
  return error;
}

void ControlSocket::caller_came() {
  net::UvHandle<uv_pipe_t> connection([&](uv_pipe_t* pipe) { return uv_pipe_init(loop_.raw(), pipe, 0); });
  if (uv_accept(listener_.stream(), connection.stream()) != 0) return;
  if (callers_.size() >= most_callers || !is_ours(connection)) return;
  callers_.push_back(std::make_unique<Caller>(*this, std::move(connection)));
}

void ControlSocket::reap() {
  std::erase_if(callers_, [](const auto& caller) { return caller->ended(); });
}

std::string control_path(const config::Service& service) {
  const char* runtime = ::secure_getenv("RUNTIME_DIRECTORY");  // systemd: one, or several with colons between
  std::string_view directory = runtime != nullptr ? runtime : "";
  directory = directory.substr(0, directory.find(':'));
  if (directory.empty()) directory = service.state_dir;
  return std::string(directory) + "/control";
}

std::expected<std::string, AskError> ask_keeper(const std::string& path, std::string_view request,
                                                std::chrono::seconds patience) {
  const auto broken = [](std::string_view why) {
    return std::unexpected(AskError{AskFailure::broken, std::string(why)});
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return broken("the path is too long for a socket");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval wait{.tv_sec = patience.count(), .tv_usec = 0};
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (::connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const bool nobody = errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED;
    return std::unexpected(AskError{nobody ? AskFailure::nobody_there : AskFailure::broken, std::strerror(errno)});
  }
  for (std::string_view rest = request; !rest.empty();) {
    const ssize_t sent = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return broken(std::strerror(errno));
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (::send(connection.get(), "\n", 1, MSG_NOSIGNAL) != 1) return broken(std::strerror(errno));
  std::string reply;
  std::array<char, 4096> chunk{};
  while (!reply.ends_with('\n')) {
    const ssize_t size = ::recv(connection.get(), chunk.data(), chunk.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return broken(errno == EAGAIN ? "no answer" : std::strerror(errno));
    if (size == 0) return broken("the connection was closed without an answer");
    reply.append(chunk.data(), static_cast<std::size_t>(size));
  }
  reply.pop_back();
  return reply;
}

}  // namespace saslift::proxy::keeper
