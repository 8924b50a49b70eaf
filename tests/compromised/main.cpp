// saslift whose workers are in a stranger's hand: what a client sends behind "exploit " is done inside the worker,
// as code smuggled in through the parser would, and the client is told what came of it. This program's own read()
// takes the place of the C library's for libuv too; everything else is saslift as it is.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include "proxy/commands/commands.h"

namespace {

using Number = long;

Number keeper() {
  ucred peer{};
  socklen_t size = sizeof peer;
  constexpr int pipe_descriptor = 3;
  getsockopt(pipe_descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return peer.pid;
}

Number open_for(std::string_view path, int flags) {
  return ::syscall(SYS_openat, AT_FDCWD, std::string(path).c_str(), flags, 0600);
}

Number execute(std::string_view path) {
  const std::string program(path);
  std::array<const char*, 2> arguments{program.c_str(), nullptr};
  return ::syscall(SYS_execve, program.c_str(), arguments.data(), arguments.data() + 1);
}

Number bind_port(std::string_view) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(made, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

Number listen_unbound(std::string_view) { return ::listen(::socket(AF_INET, SOCK_STREAM, 0), 1); }

Number connect_to_control(std::string_view path) {
  const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (made < 0) return made;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return ::connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

Number read_keeper(std::string_view) {
  std::array<char, 16> bytes{};
  const iovec ours{bytes.data(), bytes.size()};
  const iovec theirs{reinterpret_cast<void*>(&keeper), bytes.size()};
  return ::process_vm_readv(static_cast<pid_t>(keeper()), &ours, 1, &theirs, 1, 0);
}

Number make_code(std::string_view) {
  void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return ::mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}

Number map_code(std::string_view) {
  void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? -1 : 0;
}

struct Attempt {
  std::string_view name;
  Number (*act)(std::string_view argument);
};

constexpr std::array attempts{
    Attempt{"nothing", [](std::string_view) -> Number { return ::getpid() > 0 ? 0 : -1; }},
    Attempt{"read_file", [](std::string_view path) { return open_for(path, O_RDONLY); }},
    Attempt{"write_file", [](std::string_view path) { return open_for(path, O_WRONLY | O_CREAT); }},
    Attempt{"list_directory", [](std::string_view path) { return open_for(path, O_RDONLY | O_DIRECTORY); }},
    Attempt{"execute", execute},
    Attempt{"fork", [](std::string_view) -> Number { return ::fork(); }},
    Attempt{"bind", bind_port},
    Attempt{"listen", listen_unbound},
    Attempt{"listen_again", [](std::string_view) -> Number { return ::listen(4, 4096); }},
    Attempt{"datagram_socket", [](std::string_view) -> Number { return ::socket(AF_INET, SOCK_DGRAM, 0); }},
    Attempt{"raw_socket", [](std::string_view) -> Number { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
    Attempt{"netlink_socket", [](std::string_view) -> Number { return ::socket(AF_NETLINK, SOCK_RAW, 0); }},
    Attempt{"control_socket", connect_to_control},
    Attempt{"read_keeper", read_keeper},
    Attempt{"trace_keeper",
            [](std::string_view) -> Number { return ::ptrace(PTRACE_ATTACH, keeper(), nullptr, nullptr); }},
    Attempt{"signal_keeper", [](std::string_view) -> Number { return ::syscall(SYS_kill, keeper(), 0); }},
    Attempt{"abort_keeper",
            [](std::string_view) -> Number { return ::syscall(SYS_tgkill, keeper(), keeper(), SIGABRT); }},
    Attempt{"make_code", make_code},
    Attempt{"map_code", map_code},
    Attempt{"io_uring", [](std::string_view) { return ::syscall(SYS_io_uring_setup, 8, nullptr); }},
    Attempt{"be_dumpable", [](std::string_view) -> Number { return ::prctl(PR_SET_DUMPABLE, 1); }},
    Attempt{"become_root", [](std::string_view) { return ::syscall(SYS_setuid, 0); }},
};

std::string outcome_of(std::string_view order) {
  const auto space = order.find(' ');
  const std::string_view name = order.substr(0, space);
  const std::string_view argument = space == std::string_view::npos ? std::string_view() : order.substr(space + 1);
  for (const Attempt& attempt : attempts) {
    if (attempt.name != name) continue;
    errno = 0;
    const Number result = attempt.act(argument);
    return result >= 0 ? "done\r\n" : "refused " + std::to_string(errno) + "\r\n";
  }
  return "unknown\r\n";
}

}  // namespace

extern "C" ssize_t read(int descriptor, void* buffer, size_t size) {
  constexpr std::string_view prefix = "exploit ";
  const ssize_t got = ::syscall(SYS_read, descriptor, buffer, size);
  if (got <= 0) return got;
  std::string_view text(static_cast<const char*>(buffer), static_cast<std::size_t>(got));
  if (!text.starts_with(prefix)) return got;
  text.remove_prefix(prefix.size());
  const std::string answer = outcome_of(text.substr(0, text.find_first_of("\r\n")));
  static_cast<void>(::syscall(SYS_write, descriptor, answer.data(), answer.size()));
  errno = EAGAIN;
  return -1;
}

int main(int argc, char** argv) { return saslift::proxy::run_command(argc, argv); }
