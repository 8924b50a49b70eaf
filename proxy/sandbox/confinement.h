// A process shuts itself in before it serves the first stranger: Landlock without a single right, and a filter on
// what it may ask of the kernel. What libraries read from files they have read by then.
#pragma once

#include <string>

namespace saslift::proxy::sandbox {

struct Confinement {
  std::string seccomp;   // "enforced", "logged", or why it is missing
  std::string landlock;  // "enforced", or why it is missing

  [[nodiscard]] bool complete() const;
};

// First thing in the process: no new privileges, no core file, no debugger, no io_uring.
void harden();
// The listening sockets listen, every file is read; nothing has been accepted yet.
[[nodiscard]] Confinement confine();

}  // namespace saslift::proxy::sandbox
