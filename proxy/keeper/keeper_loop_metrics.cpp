// The keeper's part in the metrics: it opens the socket, and answers what their process asks.
#include "proxy/keeper/keeper_loop.h"
#include "proxy/keeper/open_metrics.h"
#include "proxy/keeper/readiness.h"

namespace saslift::proxy::keeper {
namespace {

std::string text_of(const Readiness& readiness) {
  std::string text = readiness.ready ? "ready\n" : "not ready\n";
  for (const auto& line : readiness.lacking) text += line + "\n";
  return text;
}

}  // namespace

void KeeperLoop::note(const auth::LogEvent& event) {
  tally_.count(event);
  log_.write(event);
}

std::expected<void, std::string> KeeperLoop::open_metrics() {
  if (!settings_.service.metrics) return {};
  auto socket = listen_at(*settings_.service.metrics);
  if (!socket) return std::unexpected("metrics: " + socket.error().what);
  metrics_at_ = bound_address(socket->get()).value_or(*settings_.service.metrics).text();
  metrics_socket_ = std::move(*socket);
  return {};
}

void KeeperLoop::start_metrics() {
  if (!metrics_socket_) return;
  Program program;
  program.arguments = {"metrics"};
  MetricsProcess::Events events;
  events.asked = [this](metrics::Question question) { return answer_metrics(question); };
  events.log = [this](const auth::LogEvent& event) { note(event); };
  log_.write({config::LogLevel::info, "metrics_listening", {{"address", metrics_at_}}});
  metrics_.emplace(loop_, std::move(program), std::move(metrics_socket_), std::move(events));
}

metrics::Answer KeeperLoop::answer_metrics(metrics::Question question) {
  using metrics::Verdict;
  switch (question) {
    case metrics::Question::health:
      return {question, Verdict::good, "ok\n"};  // the loop turns, or this was not said
    case metrics::Question::readiness: {
      const StatusFacts present = facts();
      const Readiness readiness = readiness_of(present.workers, present.listeners, present.desk);
      return {question, readiness.ready ? Verdict::good : Verdict::bad, text_of(readiness)};
    }
    case metrics::Question::prometheus:
    case metrics::Question::openmetrics: {
      const auto format =
          question == metrics::Question::openmetrics ? MetricsFormat::openmetrics : MetricsFormat::prometheus;
      return {question, Verdict::good, metrics_text(facts(), tally_, format)};
    }
  }
  return {};
}

}  // namespace saslift::proxy::keeper
