#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <system_error>
#include <utility>

#include "config/secret_sources.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

using Clock = std::chrono::steady_clock;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  void reset() {
    if (number_ >= 0) close(number_);
    number_ = -1;
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// A process group of its own. Destroying it ends whatever of it is left, and reaps.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (!status_) (void)reap();
  }
  // It stays to be reaped, so that its number cannot pass to another.
  [[nodiscard]] bool has_ended() const {
    siginfo_t ended{};
    return waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == pid_;
  }
  // Ends the group, then waits: a child that has already ended keeps its status.
  int reap() {
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    status_ = status;
    return status;
  }

 private:
  pid_t pid_;
  std::optional<int> status_;
};

struct Program {
  char* const* arguments;
  int output;
  pid_t parent;
};

// In the child, where only async-signal-safe calls are allowed. Returns where the program could not be started.
void become(const Program& program) {
  setpgid(0, 0);
  // A process of ours that is killed takes its command with it.
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != program.parent) _exit(1);
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDIN_FILENO);
  dup2(program.output, STDOUT_FILENO);
  // Its complaints may hold secrets, and our standard error is the log.
  dup2(nothing, STDERR_FILENO);
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvp(program.arguments[0], program.arguments);
}

// nullopt: errno says why.
std::optional<pid_t> spawn(const std::vector<std::string>& words, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  const Descriptor failure(ends[0]);
  Descriptor failing(ends[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    become({.arguments = arguments.data(), .output = output, .parent = parent});
    const int error = errno;
    static_cast<void>(!write(failing.number(), &error, sizeof error));
    _exit(1);
  }
  if (pid < 0) return std::nullopt;
  failing.reset();
  int error = 0;
  while (read(failure.number(), &error, sizeof error) < 0 && errno == EINTR) {
  }
  if (error == 0) return pid;
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  errno = error;
  return std::nullopt;
}

enum class Ending { exited, too_slow, too_long };

// Grows without leaving copies behind.
class Output {
 public:
  explicit Output(std::size_t most) : bytes_(most + 1, '\0') {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { wipe(bytes_); }

  // False: nothing more comes, or nothing now.
  bool read_from(int descriptor) {
    const ssize_t got = read(descriptor, bytes_.data() + size_, bytes_.size() - size_);
    if (got > 0) size_ += static_cast<std::size_t>(got);
    return got > 0 || (got < 0 && errno == EINTR);
  }
  [[nodiscard]] bool full() const { return size_ == bytes_.size(); }
  [[nodiscard]] std::string_view text() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

// The end of the child counts, not the end of its output: a grandchild may hold that open.
Ending collect(const Child& child, int descriptor, Output& output, Clock::time_point deadline) {
  constexpr int between_looks_ms = 10;
  while (Clock::now() < deadline) {
    // Asked before the last read: what it wrote before its end is in the pipe by then.
    const bool ended = child.has_ended();
    pollfd watched{descriptor, POLLIN, 0};
    poll(&watched, 1, ended ? 0 : between_looks_ms);
    if (watched.revents != 0) {
      const bool more = output.read_from(descriptor);
      if (output.full()) return Ending::too_long;
      if (more) continue;
      descriptor = -1;
    }
    if (ended) return Ending::exited;
  }
  return Ending::too_slow;
}

std::unexpected<SecretRefused> refuse(const std::vector<std::string>& words, std::string_view what) {
  return std::unexpected(SecretRefused{fmt::format("the command {} {}", in_quotes(words.front()), what)});
}

}  // namespace

std::expected<Secret, SecretRefused> run_secret_command(const std::vector<std::string>& words, CommandLimits limits) {
  const auto deadline = Clock::now() + limits.time;
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return refuse(words, "cannot be run: no pipe to be had");
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  fcntl(reading.number(), F_SETFL, O_NONBLOCK);
  const auto pid = spawn(words, writing.number());
  if (!pid) return refuse(words, fmt::format("cannot be run: {}", std::generic_category().message(errno)));
  Child child(*pid);
  writing.reset();
  Output output(limits.output);
  const Ending ending = collect(child, reading.number(), output, deadline);
  const int status = child.reap();
  if (ending == Ending::too_slow) {
    return refuse(words, fmt::format("did not end within {} s; run it by hand as saslift's user to see why",
                                     static_cast<double>(limits.time.count()) / 1000));
  }
  if (ending == Ending::too_long) return refuse(words, "printed too much; it should print the secret alone");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return refuse(words, fmt::format("failed ({} {}); run it by hand as saslift's user to see why",
                                     WIFEXITED(status) ? "exit status" : "signal",
                                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
  }
  return Secret::guarded(output.text());
}

}  // namespace saslift::config
