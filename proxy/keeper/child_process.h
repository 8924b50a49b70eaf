// A process of ours: started with nothing of this one's environment and only the descriptors named, killed and reaped
// with its owner.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/uv_handle.h"

namespace saslift::proxy::keeper {

// What to run: in production this very binary, by a path that survives its replacement on disk.
struct Program {
  std::string path = "/proc/self/exe";
  std::vector<std::string> arguments;  // behind the program's name
};

struct Exit {
  std::int64_t status = 0;
  int signal = 0;  // 0: none

  [[nodiscard]] bool clean() const { return status == 0 && signal == 0; }
  [[nodiscard]] std::string text() const;  // "status 1", "signal 11"
};

class ChildProcess {
 public:
  // `descriptors` become 0, 1, 2... of the child. Not destroyed inside `exited`.
  ChildProcess(net::Loop& loop, const Program& program, std::span<const uv_stdio_container_t> descriptors,
               std::function<void(Exit)> exited);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // 0, or why it could not be started; then `exited` never comes.
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] int pid() const;
  [[nodiscard]] bool running() const { return running_; }
  void kill();  // SIGKILL

 private:
  net::UvHandle<uv_process_t> handle_;
  std::function<void(Exit)> exited_;
  int error_ = 0;
  bool running_ = false;
};

// The child's view of a descriptor: closed on its side of the keeper's, or shared.
[[nodiscard]] uv_stdio_container_t ignored();
[[nodiscard]] uv_stdio_container_t inherited(int descriptor);
// Standard error: the keeper's where a sanitizer must report, else nothing.
[[nodiscard]] uv_stdio_container_t child_error_output();

}  // namespace saslift::proxy::keeper
