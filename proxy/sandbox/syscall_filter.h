// What a process may ask of the kernel once it serves strangers, as a seccomp program: sockets that stream, memory
// that never becomes code, time and chance. No file, no program, no address of its own to listen at.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace saslift::proxy::sandbox {

// Empty: not written for this architecture.
[[nodiscard]] std::vector<sock_filter> syscall_filter();
// Before the loop is made: libuv then goes without io_uring, whose requests no filter sees.
[[nodiscard]] std::vector<sock_filter> io_uring_filter();

}  // namespace saslift::proxy::sandbox
