#include "proxy/keeper/metrics_process.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace saslift::proxy::keeper {

struct MetricsProcess::Run {
  std::optional<ChildProcess> process;
  std::optional<net::FramePipe> pipe;
  auth::Instant started{};
  std::string error;  // why there is none
};

MetricsProcess::MetricsProcess(net::Loop& loop, Program program, Descriptor listening, Events events)
    : loop_(loop),
      program_(std::move(program)),
      listening_(std::move(listening)),
      events_(std::move(events)),
      restart_(loop, [this] { start(); }) {
  start();
}

MetricsProcess::~MetricsProcess() = default;

void MetricsProcess::start() {
  run_ = std::make_unique<Run>();
  run_->started = loop_.now();
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    run_->error = std::strerror(errno);
    return exited({});
  }
  const Descriptor theirs(ends[1]);
  Descriptor ours(ends[0]);
  const std::array descriptors{ignored(), ignored(), child_error_output(), inherited(theirs.get()),
                               inherited(listening_.get())};
  run_->process.emplace(loop_, program_, descriptors, [this](Exit exit) { exited(exit); });
  if (run_->process->error() != 0) {
    run_->error = uv_strerror(run_->process->error());
    return exited({});
  }
  run_->pipe.emplace(loop_, ours.release(),
                     net::FramePipe::Events{[this](std::string_view frame) { frame_came(frame); },
                                            [this](std::string_view) { run_->process->kill(); }});
}

void MetricsProcess::frame_came(std::string_view frame) {
  const auto question = metrics::decode_question(frame);
  if (!question) return run_->process->kill();
  for (auto& part : metrics::encode(events_.asked(*question))) run_->pipe->send(std::move(part));
}

void MetricsProcess::exited(const Exit& exit) {
  const auto life = loop_.now() - run_->started;
  const auto pause = pacer_.died_after(life);
  events_.log({config::LogLevel::error,
               "metrics_process_died",
               {{"status", run_->error.empty() ? exit.text() : "not started: " + run_->error},
                {"restart_in_milliseconds", std::int64_t{pause.count()}}}});
  restart_.set(pause);
}

}  // namespace saslift::proxy::keeper
