#include "proxy/keeper/child_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include "proxy/keeper/process_limits.h"

namespace saslift::proxy::keeper {

std::string Exit::text() const {
  return signal != 0 ? fmt::format("signal {}", signal) : fmt::format("status {}", status);
}

ChildProcess::ChildProcess(net::Loop& loop, const Program& program, std::span<const uv_stdio_container_t> descriptors,
                           std::function<void(Exit)> exited)
    : exited_(std::move(exited)) {
  std::string name = "saslift";
  std::vector<std::string> arguments = program.arguments;
  std::vector<char*> argv{name.data()};
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // Where a library is bound at the first call of each function, that leaves on the stack what the vector registers
  // hold: the secret that was copied last.
  std::string bind_at_start = "LD_BIND_NOW=1";
  char* environment[] = {bind_at_start.data(), nullptr};
  std::vector<uv_stdio_container_t> stdio(descriptors.begin(), descriptors.end());

  uv_process_options_t options{};
  options.file = program.path.c_str();
  options.args = argv.data();
  options.env = environment;
  options.stdio = stdio.data();
  options.stdio_count = static_cast<int>(stdio.size());
  // NOLINTNEXTLINE(bugprone-easily-swappable-parameters): libuv's signature
  options.exit_cb = [](uv_process_t* process, std::int64_t status, int signal) {
    auto* self = static_cast<ChildProcess*>(process->data);
    if (self == nullptr) return;
    self->running_ = false;
    self->exited_({status, signal});
  };
  // uv_spawn initialises the handle even where it fails: it must be closed like any other.
  handle_ = net::UvHandle<uv_process_t>([&](uv_process_t* process) {
    error_ = uv_spawn(loop.raw(), process, &options);
    return 0;
  });
  handle_.set_owner(this);
  running_ = error_ == 0;
}

ChildProcess::~ChildProcess() {
  if (!running_) return;
  // Once the handle is closed nobody else reaps it.
  const int child = pid();
  handle_.close();
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int ChildProcess::pid() const { return error_ == 0 ? uv_process_get_pid(handle_.get()) : 0; }

void ChildProcess::kill() {
  if (running_) uv_process_kill(handle_.get(), SIGKILL);
}

uv_stdio_container_t ignored() {
  uv_stdio_container_t container{};
  container.flags = UV_IGNORE;
  return container;
}

uv_stdio_container_t inherited(int descriptor) {
  uv_stdio_container_t container{};
  container.flags = UV_INHERIT_FD;
  container.data.fd = descriptor;
  return container;
}

uv_stdio_container_t child_error_output() { return sanitized ? inherited(2) : ignored(); }

}  // namespace saslift::proxy::keeper
