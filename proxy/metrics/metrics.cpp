#include "proxy/metrics/metrics.h"

#include <signal.h>
#include <sys/prctl.h>

#include <exception>

#include "proxy/metrics/responder.h"
#include "proxy/sandbox/confinement.h"

namespace saslift::proxy::metrics {
namespace {

constexpr int pipe_descriptor = 3;
constexpr int listening_descriptor = 4;

}  // namespace

int run_metrics() {
  // The keeper decides when this ends; a terminal's ^C reaches both.
  for (const int ignored : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(ignored, SIG_IGN);
  sandbox::harden();
  // Started from /proc/self/exe, it would be listed as "exe".
  prctl(PR_SET_NAME, "saslift-metrics");
  try {
    Responder responder({.pipe = pipe_descriptor, .listening = listening_descriptor});
    static_cast<void>(sandbox::confine());  // what the kernel lacks, the workers have logged
    responder.run();
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

}  // namespace saslift::proxy::metrics
