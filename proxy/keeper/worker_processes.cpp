#include "proxy/keeper/worker_processes.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "auth/frames.h"
#include "proxy/keeper/descriptor.h"
#include "proxy/keeper/restart_pacer.h"
#include "proxy/net/frame_pipe.h"

namespace saslift::proxy::keeper {
namespace {

// A worker that closed its pipe has nothing left to do.
constexpr auth::Duration time_to_exit{1'000};

}  // namespace

class WorkerProcesses::Worker {
 public:
  struct Events {
    std::function<void(auth::FromWorker)> message;
    std::function<void()> pipe_ended;
    std::function<void(Exit)> exited;
  };

  Worker(WorkerProcesses& all, auth::WorkerId id, Events events)
      : id_(id),
        started_(all.loop_.now()),
        started_wall_(std::time(nullptr)),
        events_(std::move(events)),
        time_to_exit_(all.loop_, [this] { kill(); }) {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
      error_ = std::strerror(errno);
      return;
    }
    const Descriptor theirs(ends[1]);
    Descriptor ours(ends[0]);
    std::vector<uv_stdio_container_t> descriptors{ignored(), ignored(), child_error_output(), inherited(theirs.get())};
    for (const int listening : all.plan_.listening) descriptors.push_back(inherited(listening));
    process_.emplace(all.loop_, all.plan_.program, descriptors, [this](Exit exit) { events_.exited(exit); });
    if (process_->error() != 0) {
      error_ = uv_strerror(process_->error());
      return;
    }
    pipe_.emplace(all.loop_, ours.release(),
                  net::FramePipe::Events{[this](std::string_view frame) { frame_received(frame); },
                                         [this](std::string_view why) { pipe_closed(why); }});
    pipe_->send(all.plan_.configure.copy());
  }

  [[nodiscard]] auth::WorkerId id() const { return id_; }
  [[nodiscard]] int pid() const { return process_ ? process_->pid() : 0; }
  // Why there is no process.
  [[nodiscard]] const std::string& error() const { return error_; }
  // Why it had to be killed.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] auth::Instant started() const { return started_; }
  [[nodiscard]] std::int64_t started_wall() const { return started_wall_; }
  [[nodiscard]] bool ended() const { return !process_->running() && pipe_ended_; }
  void send(const auth::ToWorker& message) { pipe_->send(auth::encode(message)); }
  void kill() { process_->kill(); }

 private:
  void frame_received(std::string_view frame) {
    if (malformed_) return;
    auto message = auth::decode_from_worker(frame);
    if (!message) {
      malformed_ = true;
      fault_ = "malformed frame: " + message.error().what;
      return kill();
    }
    events_.message(std::move(*message));
  }

  void pipe_closed(std::string_view why) {
    pipe_ended_ = true;
    if (why == "closed") {
      time_to_exit_.set(time_to_exit);
    } else {
      fault_ = why;
      kill();
    }
    events_.pipe_ended();
  }

  auth::WorkerId id_;
  auth::Instant started_;
  std::int64_t started_wall_;
  Events events_;
  net::Timer time_to_exit_;
  std::optional<ChildProcess> process_;
  std::optional<net::FramePipe> pipe_;
  std::string error_;
  std::string fault_;
  bool pipe_ended_ = false;
  bool malformed_ = false;
};

struct WorkerProcesses::Death {
  int pid = 0;
  std::string status;
  std::string reason;
  auth::Duration life{0};
};

struct WorkerProcesses::Slot {
  explicit Slot(net::Loop& loop, std::function<void(Slot&)> start)
      : restart(loop, [this, start = std::move(start)] { start(*this); }) {}
  std::unique_ptr<Worker> worker;
  RestartPacer pacer;
  net::Timer restart;
  unsigned restarts = 0;
  Generation generation = 0;
  bool retired = false;
};

bool WorkerProcesses::Plan::same_as(const Plan& other) const {
  return program.path == other.program.path && program.arguments == other.program.arguments &&
         listening == other.listening && configure.reveal() == other.configure.reveal();
}

WorkerProcesses::WorkerProcesses(net::Loop& loop, Plan plan, Events events)
    : loop_(loop), plan_(std::move(plan)), events_(std::move(events)), reap_(loop, [this] { reap(); }) {}

WorkerProcesses::~WorkerProcesses() = default;

void WorkerProcesses::start(unsigned count) { add_slots(count); }

void WorkerProcesses::add_slots(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    slots_.push_back(std::make_unique<Slot>(loop_, [this](Slot& slot) {
      ++slot.restarts;
      start_in(slot);
    }));
    slots_.back()->generation = generation_;
    start_in(*slots_.back());
  }
}

void WorkerProcesses::replace(Plan plan, unsigned count, auth::Duration drain) {
  plan_ = std::move(plan);
  drain_retired_ = drain;
  ++generation_;
  // Who waits to be started again is followed by the new.
  for (const auto& slot : slots_) slot->restart.cancel();
  add_slots(count);
}

bool WorkerProcesses::has(const Plan& plan, unsigned count) const {
  const auto present =
      std::count_if(slots_.begin(), slots_.end(), [this](const auto& slot) { return slot->generation == generation_; });
  return plan_.same_as(plan) && present == static_cast<std::ptrdiff_t>(count);
}

void WorkerProcesses::start_in(Slot& slot) {
  const auth::WorkerId id = ++last_id_;
  Worker::Events events;
  events.message = [this, id, &slot](auth::FromWorker message) {
    if (!std::holds_alternative<auth::Ready>(message)) return events_.message(id, std::move(message));
    if (slot.worker == nullptr || slot.worker->id() != id) return;
    came_up(slot);
  };
  events.pipe_ended = [this, id] {
    events_.gone(id);
    reap_.set(auth::Duration{0});
  };
  events.exited = [this, &slot](Exit exit) {
    leaving_.push_back(std::move(slot.worker));
    reap_.set(auth::Duration{0});
    if ((draining_ || slot.retired) && exit.clean()) return;
    const Worker& dead = *leaving_.back();
    worker_died(slot, {dead.pid(), exit.text(), dead.fault(), loop_.now() - dead.started()});
  };
  auto worker = std::make_unique<Worker>(*this, id, std::move(events));
  if (!worker->error().empty()) return worker_died(slot, {0, "not started", worker->error(), {}});
  slot.worker = std::move(worker);
}

void WorkerProcesses::came_up(Slot& slot) {
  const auto took = (loop_.now() - slot.worker->started()).count();
  events_.log({config::LogLevel::info,
               "worker_started",
               {{"pid", std::int64_t{slot.worker->pid()}}, {"milliseconds", std::int64_t{took}}}});
  if (slot.generation != generation_) return;
  accepting_ = generation_;
  retire_before(generation_);
  events_.accepts();
}

void WorkerProcesses::retire_before(Generation generation) {
  std::int64_t retiring = 0;
  for (const auto& slot : slots_) {
    if (slot->generation >= generation) continue;
    const bool was_retired = std::exchange(slot->retired, true);
    if (slot->worker == nullptr) continue;
    if (!was_retired) {
      slot->worker->send(auth::Retire{});
      ++retiring;
    }
    if (slot->generation + most_retired_generations < generation) slot->worker->send(auth::Drain{drain_retired_});
  }
  reap_.set(auth::Duration{0});
  if (retiring > 0) events_.log({config::LogLevel::info, "workers_replaced", {{"retired", retiring}}});
}

void WorkerProcesses::worker_died(Slot& slot, const Death& death) {
  auth::LogEvent event{config::LogLevel::error,
                       "worker_died",
                       {{"pid", std::int64_t{death.pid}},
                        {"status", death.status},
                        {"lived_milliseconds", std::int64_t{death.life.count()}}}};
  if (!death.reason.empty()) event.fields.emplace_back("reason", death.reason);
  if (!draining_ && slot.generation == generation_) {
    const auto pause = slot.pacer.died_after(death.life);
    event.fields.emplace_back("restart_in_milliseconds", std::int64_t{pause.count()});
    slot.restart.set(pause);
  }
  events_.log(std::move(event));
}

void WorkerProcesses::reap() {
  std::erase_if(leaving_, [](const auto& worker) { return worker->ended(); });
  // What is left in the pipe of one that is leaving still names its slot.
  if (leaving_.empty()) {
    std::erase_if(slots_, [](const auto& slot) { return slot->retired && slot->worker == nullptr; });
  }
  const bool any_left =
      std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->worker != nullptr; });
  if (draining_ && !any_left && leaving_.empty()) events_.all_ended();
}

WorkerProcesses::Slot* WorkerProcesses::find(auth::WorkerId id) const {
  for (const auto& slot : slots_) {
    if (slot->worker != nullptr && slot->worker->id() == id) return slot.get();
  }
  return nullptr;
}

WorkerProcesses::Generation WorkerProcesses::generation_of(auth::WorkerId id) const {
  const Slot* slot = find(id);
  return slot != nullptr ? slot->generation : generation_;
}

void WorkerProcesses::send(auth::WorkerId id, const auth::ToWorker& message) {
  if (Slot* slot = find(id)) slot->worker->send(message);
}

void WorkerProcesses::send_to_present(const auth::ToWorker& message) {
  for (const auto& slot : slots_) {
    if (slot->worker != nullptr && slot->generation == generation_) slot->worker->send(message);
  }
}

void WorkerProcesses::configure_later_ones(Plan plan) { plan_ = std::move(plan); }

void WorkerProcesses::drain(auth::Duration deadline) {
  draining_ = deadline;
  for (const auto& slot : slots_) {
    slot->restart.cancel();
    if (slot->worker != nullptr) slot->worker->send(auth::Drain{deadline});
  }
  reap_.set(auth::Duration{0});
}

void WorkerProcesses::kill() {
  if (!draining_) draining_ = auth::Duration{0};
  for (const auto& slot : slots_) {
    slot->restart.cancel();
    if (slot->worker != nullptr) slot->worker->kill();
  }
  reap_.set(auth::Duration{0});
}

std::vector<WorkerStatus> WorkerProcesses::status() const {
  std::vector<WorkerStatus> result;
  for (const auto& slot : slots_) {
    WorkerStatus status;
    status.restarts = slot->restarts;
    status.retired = slot->retired;
    if (slot->worker != nullptr) {
      status.pid = slot->worker->pid();
      status.started = slot->worker->started_wall();
    }
    result.push_back(status);
  }
  return result;
}

}  // namespace saslift::proxy::keeper
