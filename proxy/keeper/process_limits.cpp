#include "proxy/keeper/process_limits.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

namespace saslift::proxy::keeper {

void refuse_core_files() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  if (!sanitized) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void refuse_new_privileges() { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

void close_on_exec_from(int first) {
  if (close_range(static_cast<unsigned>(first), ~0U, static_cast<int>(CLOSE_RANGE_CLOEXEC)) == 0) return;
  // Linux before 5.11.
  const auto most = static_cast<int>(std::min<long>(sysconf(_SC_OPEN_MAX), 65'536));
  for (int descriptor = first; descriptor < most; ++descriptor) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

rlim_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
  return limit.rlim_cur;
}

}  // namespace saslift::proxy::keeper
