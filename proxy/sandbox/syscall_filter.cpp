#include "proxy/sandbox/syscall_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace saslift::proxy::sandbox {
namespace {

#if defined(__x86_64__) && !defined(__ILP32__)
constexpr unsigned architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__) && !defined(__ILP32__)
constexpr unsigned architecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr unsigned architecture = AUDIT_ARCH_RISCV64;
#else
constexpr unsigned architecture = 0;
#endif

#if defined(SASLIFT_SECCOMP_LOG)
constexpr unsigned forbidden = SECCOMP_RET_LOG;
#else
constexpr unsigned forbidden = SECCOMP_RET_KILL_PROCESS;
#endif
constexpr unsigned allowed = SECCOMP_RET_ALLOW;
constexpr unsigned answered_with(int error) { return SECCOMP_RET_ERRNO | static_cast<unsigned>(error); }

// A C library newer than this list tries newer calls first and is content with "there is none".
constexpr unsigned first_unknown = 450;
[[maybe_unused]] constexpr unsigned x32_bit = 0x40000000;  // the same calls under other numbers

constexpr std::array always{// Connections that are there, and their events.
                            SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_recvfrom, SYS_sendto, SYS_recvmsg,
                            SYS_sendmsg, SYS_shutdown, SYS_close, SYS_epoll_pwait, SYS_epoll_ctl,
#if defined(SYS_epoll_wait)
                            SYS_epoll_wait,
#endif
                            // New ones.
                            SYS_accept4, SYS_connect, SYS_setsockopt, SYS_getsockopt, SYS_getsockname, SYS_getpeername,
                            // Memory; mmap and mprotect have conditions.
                            SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_mlock, SYS_munlock,
                            // Time, chance, waiting.
                            SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
                            SYS_getrandom, SYS_futex, SYS_sched_yield, SYS_sched_getaffinity, SYS_restart_syscall,
#if defined(SYS_time)
                            SYS_time,
#endif
                            // Oneself.
                            SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_uname,
                            SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_exit,
                            SYS_exit_group};

// Libraries ask for files in passing and go on without: no reason to lose every session of the process.
constexpr std::array refused{
    SYS_openat,    SYS_openat2,    SYS_newfstatat, SYS_fstat,     SYS_statx,
    SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_prlimit64, SYS_prctl,
#if defined(SYS_getrlimit)
    SYS_getrlimit,
#endif
#if defined(SYS_open)
    SYS_open,      SYS_stat,       SYS_access,     SYS_readlink,
#endif
};

sock_filter statement(unsigned code, unsigned operand) { return {static_cast<unsigned short>(code), 0, 0, operand}; }
sock_filter verdict(unsigned what) { return statement(BPF_RET | BPF_K, what); }

sock_filter load(std::size_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)); }
// The lower half of an argument: all of an int.
sock_filter load_argument(unsigned number) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  constexpr std::size_t lower_half = 0;
#else
  constexpr std::size_t lower_half = 4;
#endif
  return load(offsetof(seccomp_data, args) + number * sizeof(std::uint64_t) + lower_half);
}

sock_filter if_equal_skip(unsigned operand, unsigned char instructions) {
  return {BPF_JMP | BPF_JEQ | BPF_K, instructions, 0, operand};
}
sock_filter unless_equal_skip(unsigned operand, unsigned char instructions) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, instructions, operand};
}
sock_filter if_any_bit_skip(unsigned bits, unsigned char instructions) {
  return {BPF_JMP | BPF_JSET | BPF_K, instructions, 0, bits};
}

class Program {
 public:
  Program()
      : code_{load(offsetof(seccomp_data, arch)), if_equal_skip(architecture, 1), verdict(forbidden),
              load(offsetof(seccomp_data, nr))} {}

  // `then` ends in a verdict.
  void on(long call, std::initializer_list<sock_filter> then) {
    code_.push_back(unless_equal_skip(static_cast<unsigned>(call), static_cast<unsigned char>(then.size())));
    code_.insert(code_.end(), then);
  }
  struct Newer {
    unsigned first_call;
    unsigned answer;
  };
  void from(Newer calls) {
    code_.push_back({BPF_JMP | BPF_JGE | BPF_K, 0, 1, calls.first_call});
    code_.push_back(verdict(calls.answer));
  }
  [[nodiscard]] std::vector<sock_filter> finish(unsigned otherwise) {
    code_.push_back(verdict(otherwise));
    return std::move(code_);
  }

 private:
  std::vector<sock_filter> code_;
};

// TCP over either family: no datagrams, no local sockets, nothing raw.
void allow_tcp_sockets(Program& program) {
  program.on(SYS_socket, {load_argument(0), if_equal_skip(AF_INET, 1), unless_equal_skip(AF_INET6, 4), load_argument(1),
                          statement(BPF_ALU | BPF_AND | BPF_K, ~static_cast<unsigned>(SOCK_NONBLOCK | SOCK_CLOEXEC)),
                          unless_equal_skip(SOCK_STREAM, 1), verdict(allowed), verdict(answered_with(EACCES))});
}

void allow_data_memory(Program& program) {
  for (const long call : {SYS_mmap, SYS_mprotect}) {
    program.on(call, {load_argument(2), if_any_bit_skip(PROT_EXEC, 1), verdict(allowed), verdict(forbidden)});
  }
}

void allow_descriptor_flags(Program& program) {
  program.on(SYS_fcntl,
             {load_argument(1), if_equal_skip(F_GETFL, 3), if_equal_skip(F_SETFL, 2), if_equal_skip(F_GETFD, 1),
              unless_equal_skip(F_SETFD, 1), verdict(allowed), verdict(answered_with(EACCES))});
  program.on(SYS_ioctl, {load_argument(1), if_equal_skip(FIONBIO, 2), if_equal_skip(FIOCLEX, 1),
                         unless_equal_skip(FIONREAD, 1), verdict(allowed), verdict(answered_with(EACCES))});
}

// abort(), and nobody else's signals.
void allow_abort(Program& program) {
  program.on(SYS_tgkill, {load_argument(0), unless_equal_skip(static_cast<unsigned>(::getpid()), 3), load_argument(2),
                          unless_equal_skip(SIGABRT, 1), verdict(allowed), verdict(forbidden)});
}

}  // namespace

std::vector<sock_filter> syscall_filter() {
  if (architecture == 0) return {};
  Program program;
#if defined(__x86_64__)
  program.from({.first_call = x32_bit, .answer = forbidden});
#endif
  program.from({.first_call = first_unknown, .answer = answered_with(ENOSYS)});
  for (const long call : always) program.on(call, {verdict(allowed)});
  allow_data_memory(program);
  allow_descriptor_flags(program);
  allow_tcp_sockets(program);
  allow_abort(program);
  for (const long call : refused) program.on(call, {verdict(answered_with(EACCES))});
  return program.finish(forbidden);
}

std::vector<sock_filter> io_uring_filter() {
  if (architecture == 0) return {};
  Program program;
  program.on(SYS_io_uring_setup, {verdict(answered_with(ENOSYS))});
  return program.finish(allowed);
}

}  // namespace saslift::proxy::sandbox
