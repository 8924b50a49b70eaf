#include "proxy/fetch/fetch.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "proxy/fetch/command.h"
#include "proxy/fetch/exchange.h"
#include "proxy/fetch/messages.h"

namespace saslift::proxy::fetch {
namespace {

constexpr rlim_t address_space = 512UL * 1024 * 1024;
// The keeper kills at 10 s; this is for one whose keeper is gone.
constexpr unsigned seconds_to_live = 15;

void confine() {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  signal(SIGPIPE, SIG_IGN);
  alarm(seconds_to_live);
}

// Against what the library takes from a hostile endpoint. A command of the operator's takes what it needs.
void bound_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit memory{address_space, address_space};
  setrlimit(RLIMIT_AS, &memory);
#endif
}

auth::FetchOutcome carry_out(const auth::TokenRequest& request) {
  if (request.command) return run_command(*request.command);
  bound_memory();
  return exchange(request);
}

// Empty: nothing usable.
config::Secret read_all(int descriptor) {
  std::string bytes;
  bytes.reserve(largest_request + 1);
  std::array<char, 4096> chunk{};
  while (bytes.size() <= largest_request) {
    const ssize_t size = ::read(descriptor, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    bytes.append(chunk.data(), static_cast<std::size_t>(size));
  }
  config::wipe(chunk.data(), chunk.size());
  return config::Secret::taken_from(bytes);
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

int run_fetch() {
  confine();
  const config::Secret message = read_all(STDIN_FILENO);
  const auto request = decode_request(message.reveal());
  if (!request) return 2;
  return write_all(STDOUT_FILENO, encode(carry_out(*request)).reveal()) ? 0 : 1;
}

}  // namespace saslift::proxy::fetch
