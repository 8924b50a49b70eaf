#include "proxy/worker/worker.h"

#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <exception>

#include "proxy/sandbox/confinement.h"
#include "proxy/worker/worker_loop.h"

namespace saslift::proxy {

int run_worker() {
  // The keeper decides when a worker ends; a terminal's ^C reaches both.
  for (const int ignored : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(ignored, SIG_IGN);
  sandbox::harden();
  // Started from /proc/self/exe, it would be listed as "exe".
  prctl(PR_SET_NAME, "saslift-worker");
  try {
    WorkerLoop worker(worker_pipe_descriptor);
    return worker.run();
  } catch (const std::exception& failure) {
    // Before the pipe stands there is no log to write to.
    std::fprintf(stderr, "saslift worker: %s\n", failure.what());
    return 1;
  }
}

}  // namespace saslift::proxy
