// The workers: started with their pipe on descriptor 3 and the listening sockets from 4 on, started again when
// they die, ended on drain. Every start is a worker of its own id, so that what comes late for a dead one
// reaches nobody. A new plan starts a new generation: the one before retires, accepting no more, and is not started
// again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "auth/login_desk.h"
#include "proxy/keeper/child_process.h"
#include "proxy/net/timer.h"

namespace saslift::proxy::keeper {

struct WorkerStatus {
  int pid = 0;               // 0: none at the moment
  std::int64_t started = 0;  // seconds since the epoch
  unsigned restarts = 0;
  bool retired = false;  // lives on for its last sessions
};

class WorkerProcesses {
 public:
  static constexpr int pipe_descriptor = 3;
  static constexpr int first_listener_descriptor = 4;
  // Of those before the present one; the oldest beyond them is drained.
  static constexpr unsigned most_retired_generations = 2;
  using Generation = unsigned;

  struct Events {
    std::function<void(auth::WorkerId worker, auth::FromWorker message)> message;  // all but Ready
    std::function<void(auth::WorkerId worker)> gone;                               // its pipe ended
    std::function<void(auth::LogEvent event)> log;
    std::function<void()> all_ended;        // after drain() or kill()
    std::function<void()> accepts = [] {};  // a worker of the present generation
  };

  struct Plan {
    Program program;
    std::vector<int> listening;  // stay open while this object lives, or until drain()
    config::Secret configure;    // the encoded Configure: the first frame of each

    // Whether workers of the one do for the other.
    [[nodiscard]] bool same_as(const Plan& other) const;
  };

  WorkerProcesses(net::Loop& loop, Plan plan, Events events);
  WorkerProcesses(const WorkerProcesses&) = delete;
  WorkerProcesses& operator=(const WorkerProcesses&) = delete;
  ~WorkerProcesses();

  void start(unsigned count);
  // Another generation on another plan; the present one retires as soon as the first of the new accepts, so that a
  // plan which no worker can carry out closes no door.
  void replace(Plan plan, unsigned count, auth::Duration drain);
  [[nodiscard]] bool has(const Plan& plan, unsigned count) const;
  // Nobody of the present generation has accepted yet.
  [[nodiscard]] bool replacing() const { return accepting_ != generation_; }
  [[nodiscard]] Generation generation() const { return generation_; }
  [[nodiscard]] Generation generation_of(auth::WorkerId id) const;
  void send(auth::WorkerId id, const auth::ToWorker& message);
  // To the present generation.
  void send_to_present(const auth::ToWorker& message);
  // For those of the present generation that are started from now on.
  void configure_later_ones(Plan plan);
  // No more is started; each is told to end by then.
  void drain(auth::Duration deadline);
  void kill();
  [[nodiscard]] std::vector<WorkerStatus> status() const;

 private:
  class Worker;
  struct Slot;
  struct Death;

  void add_slots(unsigned count);
  void start_in(Slot& slot);
  void came_up(Slot& slot);
  void retire_before(Generation generation);
  void worker_died(Slot& slot, const Death& death);
  void reap();
  [[nodiscard]] Slot* find(auth::WorkerId id) const;

  net::Loop& loop_;
  Plan plan_;
  Events events_;
  std::vector<std::unique_ptr<Slot>> slots_;
  Generation generation_ = 1;
  Generation accepting_ = 0;
  auth::Duration drain_retired_{0};               // how long the oldest may take when there is one too many
  std::vector<std::unique_ptr<Worker>> leaving_;  // process or pipe has ended, the other not yet
  auth::WorkerId last_id_ = 0;
  std::optional<auth::Duration> draining_;
  net::Timer reap_;  // nothing of libuv's is destroyed inside its own callback
};

}  // namespace saslift::proxy::keeper
