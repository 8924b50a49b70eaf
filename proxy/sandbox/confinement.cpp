#include "proxy/sandbox/confinement.h"

#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

#include "proxy/sandbox/syscall_filter.h"

namespace saslift::proxy::sandbox {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// A sanitizer attaches to its own process, opens files and starts a program to name its findings.
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

constexpr std::string_view enforced = "enforced";
#if defined(SASLIFT_SECCOMP_LOG)
constexpr std::string_view filtered = "logged";
#else
constexpr std::string_view filtered = enforced;
#endif
constexpr std::string_view not_here = "not in a sanitizer build";

// As of ABI 6; older headers know the first member alone.
struct LandlockRuleset {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};
constexpr std::uint64_t bind_tcp = 1;             // LANDLOCK_ACCESS_NET_BIND_TCP
constexpr std::uint64_t sockets_and_signals = 3;  // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, LANDLOCK_SCOPE_SIGNAL

// Every right on files that this ABI knows.
constexpr std::uint64_t file_rights(long abi) {
  unsigned rights = 13;
  if (abi >= 2) rights = 14;  // REFER
  if (abi >= 3) rights = 15;  // TRUNCATE
  if (abi >= 5) rights = 16;  // IOCTL_DEV
  return (std::uint64_t{1} << rights) - 1;
}

std::string missing(int error) {
  if (error == ENOSYS || error == EOPNOTSUPP || error == EINVAL) return "not in this kernel";
  return std::string("refused: ") + std::strerror(error);
}

std::string enter_landlock() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return missing(errno);
  LandlockRuleset none;
  none.handled_access_fs = file_rights(abi);
  std::size_t size = sizeof none.handled_access_fs;
  if (abi >= 4) {
    none.handled_access_net = bind_tcp;
    size = offsetof(LandlockRuleset, scoped);
  }
  if (abi >= 6) {
    none.scoped = sockets_and_signals;
    size = sizeof none;
  }
  const auto ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &none, size, 0));
  if (ruleset < 0) return missing(errno);
  const long entered = ::syscall(SYS_landlock_restrict_self, ruleset, 0);
  const int error = errno;
  ::close(ruleset);
  return entered == 0 ? std::string(enforced) : missing(error);
}

std::string enter_filter(std::vector<sock_filter> code) {
  if (code.empty()) return "not written for this processor";
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) return std::string(filtered);
  return missing(errno);
}

}  // namespace

bool Confinement::complete() const { return seccomp == enforced && landlock == enforced; }

void harden() {
  if (sanitized) return;
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  static_cast<void>(enter_filter(io_uring_filter()));
}

Confinement confine() {
  if (sanitized) return {std::string(not_here), std::string(not_here)};
  // glibc: even gmtime(), by which certificates are judged, looks for /etc/localtime once.
  ::tzset();
  Confinement result;
  result.landlock = enter_landlock();
  result.seccomp = enter_filter(syscall_filter());
  return result;
}

}  // namespace saslift::proxy::sandbox
