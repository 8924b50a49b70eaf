#include "proxy/keeper/open_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <utility>

#include "proxy/keeper/readiness.h"

namespace saslift::proxy::keeper {
namespace {

constexpr double milliseconds_in_second = 1000.0;

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    result += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return result;
}

std::string written(Labels labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "{" : ",", name, escaped(value));
  }
  return text.empty() ? text : text + "}";
}

// Writes one family after the other; every sample belongs to the family begun last.
class Page {
 public:
  explicit Page(MetricsFormat format) : format_(format) {}

  void counter(std::string_view name, std::string_view help) {
    // OpenMetrics names the family without the suffix that its samples have.
    begin(format_ == MetricsFormat::openmetrics ? std::string(name) : fmt::format("{}_total", name), "counter", help);
    sample_name_ = fmt::format("{}_total", name);
  }
  void gauge(std::string_view name, std::string_view help) {
    begin(std::string(name), "gauge", help);
    sample_name_ = name;
  }
  template <std::integral Value>
  void sample(Labels labels, Value value) {
    line(sample_name_, labels, fmt::format("{}", value));
  }
  void sample(Labels labels, double value) { line(sample_name_, labels, fmt::format("{}", value)); }

  void histogram(std::string_view name, std::string_view help) {
    begin(std::string(name), "histogram", help);
    sample_name_ = name;
  }
  void histogram_of(Label label, const Histogram& histogram) {
    for (std::size_t i = 0; i < Histogram::bounds.size(); ++i) {
      const auto bound = fmt::format("{}", static_cast<double>(Histogram::bounds.at(i)) / milliseconds_in_second);
      line(sample_name_ + "_bucket", {label, {"le", bound}}, fmt::format("{}", histogram.up_to(i)));
    }
    line(sample_name_ + "_bucket", {label, {"le", "+Inf"}}, fmt::format("{}", histogram.count()));
    line(sample_name_ + "_sum", {label},
         fmt::format("{}", static_cast<double>(histogram.sum_milliseconds()) / milliseconds_in_second));
    line(sample_name_ + "_count", {label}, fmt::format("{}", histogram.count()));
  }

  [[nodiscard]] std::string finish() {
    if (format_ == MetricsFormat::openmetrics) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  void begin(const std::string& family, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", family, help, type);
  }
  void line(const std::string& name, Labels labels, std::string_view value) {
    text_ += fmt::format("{}{} {}\n", name, written(labels), value);
  }

  MetricsFormat format_;
  std::string sample_name_;
  std::string text_;
};

void write_counts(Page& page, const Tally::Counts& counts, std::array<std::string_view, 2> labels) {
  for (const auto& [values, count] : counts) {
    page.sample({{labels[0], values.first}, {labels[1], values.second}}, count);
  }
}

void write_process(Page& page, const StatusFacts& facts, const Tally& tally) {
  page.gauge("saslift_build_info", "The version that runs; always 1.");
  page.sample({{"version", SASLIFT_VERSION}}, 1);
  page.gauge("saslift_uptime_seconds", "Since the keeper started.");
  page.sample({}, std::chrono::duration_cast<std::chrono::seconds>(facts.uptime).count());
  page.gauge("saslift_ready", "Whether a login could succeed: what /readyz says.");
  page.sample({}, readiness_of(facts.workers, facts.listeners, facts.desk).ready ? 1 : 0);
  page.gauge("saslift_workers", "Worker processes; retired ones live on for their last sessions.");
  const auto retired =
      std::ranges::count_if(facts.workers, [](const auto& one) { return one.pid != 0 && one.retired; });
  const auto serving =
      std::ranges::count_if(facts.workers, [](const auto& one) { return one.pid != 0 && !one.retired; });
  page.sample({{"state", "serving"}}, serving);
  page.sample({{"state", "retired"}}, retired);
  page.counter("saslift_worker_deaths", "Workers that ended otherwise than told.");
  page.sample({}, tally.worker_deaths);
  page.counter("saslift_reloads", "Configurations taken over since the start.");
  page.sample({}, tally.reloads);
  page.counter("saslift_loop_stalls", "Turns of the keeper's loop that took longer than 100 ms.");
  page.sample({}, tally.loop_stalls);
  page.counter("saslift_log_lines_dropped", "Lines that the log's reader was too slow for.");
  page.sample({}, facts.log_lines_dropped);
}

void write_logins(Page& page, const StatusFacts& facts, const Tally& tally) {
  page.gauge("saslift_sessions", "Sessions that are logged in.");
  page.sample({}, facts.desk.sessions);
  page.gauge("saslift_open_questions", "Logins that wait for the keeper.");
  page.sample({}, facts.desk.open_questions);
  page.gauge("saslift_slots_in_use", "Connections at the providers, counted by mailbox.");
  page.sample({}, facts.desk.slots_in_use);
  page.gauge("saslift_slots_waiting", "Logins that wait for a connection of their mailbox to end.");
  page.sample({}, facts.desk.slots_waiting);
  page.counter("saslift_clients_turned_away", "Connections that got no session, by reason.");
  for (std::size_t i = 0; i < facts.desk.turned_away.size(); ++i) {
    page.sample({{"reason", auth::name_of(static_cast<auth::TurnAway>(i))}}, facts.desk.turned_away.at(i));
  }
  page.counter("saslift_logins", "Logins by protocol and what became of them.");
  write_counts(page, tally.logins, {"protocol", "result"});
  page.histogram("saslift_login_phase_seconds", "How long the phases of successful logins took.");
  for (const auto& [phase, histogram] : tally.phases) page.histogram_of({"phase", phase}, histogram);
  page.counter("saslift_relayed_bytes",
               "Bytes after login, of sessions that have ended; up is from client to provider.");
  write_counts(page, tally.bytes, {"protocol", "direction"});
}

void write_identities(Page& page, const StatusFacts& facts, const Tally& tally) {
  page.counter("saslift_token_fetches", "Exchanges with the token endpoint.");
  write_counts(page, tally.fetches, {"identity", "result"});
  page.gauge("saslift_token_life_seconds", "What is left of the token in hand; 0 where there is none.");
  for (const auto& identity : facts.desk.identities) {
    const auto left = identity.token_life_left.value_or(auth::Duration{0});
    page.sample({{"identity", identity.name}}, std::chrono::duration_cast<std::chrono::seconds>(left).count());
  }
}

void write_expiries(Page& page, const StatusFacts& facts) {
  constexpr auto seconds = [](std::chrono::system_clock::time_point ends) {
    return std::chrono::duration_cast<std::chrono::seconds>(ends.time_since_epoch()).count();
  };
  page.gauge("saslift_identity_expiry_timestamp_seconds",
             "When a client secret, a certificate or a sign-in of an identity ends, since 1970.");
  for (const auto& identity : facts.desk.identities) {
    for (const auto& expiry : identity.expiries) {
      page.sample({{"identity", identity.name}, {"what", name_of(expiry.what)}}, seconds(expiry.ends));
    }
  }
  page.gauge("saslift_listener_certificate_expiry_timestamp_seconds",
             "When a listener's certificate ends, since 1970.");
  for (const auto& listener : facts.listeners) {
    if (listener.certificate_ends) {
      page.sample({{"listener", listener.settings->name}}, *listener.certificate_ends);
    }
  }
}

}  // namespace

std::string metrics_text(const StatusFacts& facts, const Tally& tally, MetricsFormat format) {
  Page page(format);
  write_process(page, facts, tally);
  write_logins(page, facts, tally);
  write_identities(page, facts, tally);
  write_expiries(page, facts);
  return page.finish();
}

}  // namespace saslift::proxy::keeper
