// The workers: started with their pipe on descriptor 3 and the listening sockets from 4 on, started again when
// they die, ended on drain. Every start is a worker of its own id, so that what comes late for a dead one
// reaches nobody.
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
};

class WorkerProcesses {
 public:
  static constexpr int pipe_descriptor = 3;
  static constexpr int first_listener_descriptor = 4;

  struct Events {
    std::function<void(auth::WorkerId worker, auth::FromWorker message)> message;  // all but Ready
    std::function<void(auth::WorkerId worker)> gone;                               // its pipe ended
    std::function<void(auth::LogEvent event)> log;
    std::function<void()> all_ended;  // after drain() or kill()
  };

  struct Plan {
    Program program;
    std::vector<int> listening;  // stay open while this object lives, or until drain()
    config::Secret configure;    // the encoded Configure: the first frame of each
  };

  WorkerProcesses(net::Loop& loop, Plan plan, Events events);
  WorkerProcesses(const WorkerProcesses&) = delete;
  WorkerProcesses& operator=(const WorkerProcesses&) = delete;
  ~WorkerProcesses();

  void start(unsigned count);
  void send(auth::WorkerId id, const auth::ToWorker& message);
  // No more is started; each is told to end by then.
  void drain(auth::Duration deadline);
  void kill();
  [[nodiscard]] std::vector<WorkerStatus> status() const;

 private:
  class Worker;
  struct Slot;
  struct Death;

  void start_in(Slot& slot);
  void worker_died(Slot& slot, const Death& death);
  void reap();
  [[nodiscard]] Worker* find(auth::WorkerId id);

  net::Loop& loop_;
  Plan plan_;
  Events events_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::unique_ptr<Worker>> leaving_;  // process or pipe has ended, the other not yet
  auth::WorkerId last_id_ = 0;
  std::optional<auth::Duration> draining_;
  net::Timer reap_;  // nothing of libuv's is destroyed inside its own callback
};

}  // namespace saslift::proxy::keeper
