#include "proxy/keeper/keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "proxy/keeper/keeper_loop.h"
#include "proxy/keeper/process_limits.h"

namespace saslift::proxy::keeper {
namespace {

// Else a socket of ours could become somebody's standard output.
void fill_standard_descriptors() {
  int descriptor = ::open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= 2) descriptor = ::dup(descriptor);
  if (descriptor > 2) ::close(descriptor);
}

// The kernel keeps a signal without a handler from process 1 of a container. The loop has handlers of its own later.
void end_by_signals_as_process_1() {
  if (::getpid() != 1) return;
  for (const int number : {SIGTERM, SIGINT}) ::signal(number, [](int told) { ::_exit(128 + told); });
}

}  // namespace

void harden_keeper() {
  fill_standard_descriptors();
  end_by_signals_as_process_1();
  refuse_core_files();
  refuse_new_privileges();
  close_on_exec_from(3);
  ::umask(0077);
  ::signal(SIGPIPE, SIG_IGN);
}

int run_keeper(config::Loaded loaded) {
  try {
    KeeperLoop keeper(std::move(loaded), {take_inherited_listeners(), take_service_manager_address()});
    if (const auto started = keeper.start(); !started) {
      fmt::print(stderr, "saslift: {}\n", started.error());
      return 1;
    }
    return keeper.run();
  } catch (const std::exception& failure) {
    fmt::print(stderr, "saslift: {}\n", failure.what());
    return 1;
  }
}

}  // namespace saslift::proxy::keeper
