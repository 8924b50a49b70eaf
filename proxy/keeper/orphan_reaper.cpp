#include "proxy/keeper/orphan_reaper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace saslift::proxy::keeper {
namespace {

constexpr auth::Duration until_libuv_has_reaped{10};

// A process that libuv waits for: whoever else did so would take its exit status away.
bool is_of_loop(net::Loop& loop, pid_t process) {
  struct Search {
    pid_t wanted;
    bool found = false;
  } search{process};
  uv_walk(
      loop.raw(),
      [](uv_handle_t* handle, void* argument) {
        auto& wanted = *static_cast<Search*>(argument);
        if (handle->type != UV_PROCESS || uv_is_active(handle) == 0) return;
        if (uv_process_get_pid(reinterpret_cast<uv_process_t*>(handle)) == wanted.wanted) wanted.found = true;
      },
      &search);
  return search.found;
}

// 0: none has ended. Children of other threads are for those to wait for.
pid_t an_ended_child() {
  siginfo_t ended{};
  if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT | __WNOTHREAD) != 0) return 0;
  return ended.si_pid;
}

}  // namespace

bool inherits_orphans() {
  int subreaper = 0;
  return ::getpid() == 1 || (::prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper != 0);
}

OrphanReaper::OrphanReaper(net::Loop& loop)
    : loop_(loop), again_(loop, [this] { reap(); }), child_ended_(loop, SIGCHLD, [this] { reap(); }) {
  again_.set(auth::Duration{0});  // some may have ended before
}

void OrphanReaper::reap() {
  while (const pid_t ended = an_ended_child()) {
    // It hides those behind it until libuv, told by the same signal, has waited for it.
    if (is_of_loop(loop_, ended)) return again_.set(until_libuv_has_reaped);
    ::waitpid(ended, nullptr, WNOHANG);
  }
}

}  // namespace saslift::proxy::keeper
