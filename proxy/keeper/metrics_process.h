// The process that answers HTTP for the keeper, kept running: it is handed the listening socket and asks for the rest.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "auth/log_event.h"
#include "proxy/keeper/child_process.h"
#include "proxy/keeper/descriptor.h"
#include "proxy/keeper/restart_pacer.h"
#include "proxy/metrics/messages.h"
#include "proxy/net/frame_pipe.h"
#include "proxy/net/timer.h"

namespace saslift::proxy::keeper {

class MetricsProcess {
 public:
  struct Events {
    std::function<metrics::Answer(metrics::Question question)> asked;
    std::function<void(auth::LogEvent event)> log;
  };

  MetricsProcess(net::Loop& loop, Program program, Descriptor listening, Events events);
  MetricsProcess(const MetricsProcess&) = delete;
  MetricsProcess& operator=(const MetricsProcess&) = delete;
  ~MetricsProcess();

 private:
  struct Run;

  void start();
  void frame_came(std::string_view frame);
  void exited(const Exit& exit);

  net::Loop& loop_;
  Program program_;
  Descriptor listening_;
  Events events_;
  RestartPacer pacer_;
  std::unique_ptr<Run> run_;
  net::Timer restart_;  // nothing of libuv's is destroyed inside its own callback
};

}  // namespace saslift::proxy::keeper
