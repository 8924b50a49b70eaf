#include <chrono>
#include <string>

#include "catch.h"
#include "proxy/keeper/open_metrics.h"
#include "proxy/keeper/readiness.h"

using namespace saslift;
using namespace saslift::proxy::keeper;

namespace {

auth::LogEvent event(const std::string& name, std::vector<std::pair<std::string, auth::LogValue>> fields) {
  return {config::LogLevel::info, name, std::move(fields)};
}

Tally some_tally() {
  Tally tally;
  for (const std::int64_t milliseconds : {5, 6, 90'000}) {
    tally.count(event("login_succeeded", {{"protocol", "imap"},
                                          {"mailbox", "canary@contoso.com"},
                                          {"keeper_ms", milliseconds},
                                          {"connect_ms", std::int64_t{0}},
                                          {"login_ms", std::int64_t{1}}}));
  }
  tally.count(event("login_refused", {{"protocol", "smtp"}, {"reason", "bad_credentials"}, {"login", "canary"}}));
  tally.count(auth::Relayed{.protocol = config::Protocol::smtp, .bytes_up = 3, .bytes_down = 9});
  tally.count(auth::Relayed{.protocol = config::Protocol::smtp, .bytes_up = 4, .bytes_down = 0});
  tally.count(event("session_ended", {{"session", "1"}, {"reason", "worker_gone"}}));
  tally.count(event("token_fetched", {{"identity", "office"}}));
  tally.count(event("token_fetch_failed", {{"identity", "off\"ice"}}));
  tally.count(event("worker_died", {}));
  return tally;
}

std::string page(MetricsFormat format) {
  const std::vector<OpenListener> listeners;
  StatusFacts facts{1, auth::Duration{61'000}, {}, listeners, {}, 3};
  facts.workers.push_back({10, 0, 0, false});
  facts.workers.push_back({11, 0, 0, true});
  facts.workers.push_back({0, 0, 0, false});
  facts.desk.sessions = 2;
  facts.desk.slots_in_use = 3;
  facts.desk.slots_waiting = 1;
  facts.desk.turned_away.at(static_cast<std::size_t>(auth::TurnAway::not_allowed)) = 4;
  facts.desk.identities.emplace_back().name = "office";
  facts.desk.identities.front().token_life_left = auth::Duration{3'000'500};
  facts.desk.identities.front().expiries.push_back(
      {"office", auth::Expiring::client_secret, std::chrono::sys_days(std::chrono::year{2030} / 1 / 2)});
  return metrics_text(facts, some_tally(), format);
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the log's events are counted by protocol and result, phase and direction, and name nobody") {
  const std::string text = page(MetricsFormat::prometheus);
  for (const char* line :
       {"saslift_uptime_seconds 61",
        "saslift_sessions 2",
        "saslift_slots_in_use 3",
        "saslift_slots_waiting 1",
        "saslift_clients_turned_away_total{reason=\"not_allowed\"} 4",
        "saslift_clients_turned_away_total{reason=\"session_cap\"} 0",
        "saslift_workers{state=\"serving\"} 1",
        "saslift_workers{state=\"retired\"} 1",
        "saslift_logins_total{protocol=\"imap\",result=\"succeeded\"} 3",
        "saslift_logins_total{protocol=\"smtp\",result=\"bad_credentials\"} 1",
        "saslift_relayed_bytes_total{protocol=\"smtp\",direction=\"up\"} 7",
        "saslift_relayed_bytes_total{protocol=\"smtp\",direction=\"down\"} 9",
        "saslift_token_fetches_total{identity=\"office\",result=\"fetched\"} 1",
        "saslift_token_fetches_total{identity=\"off\\\"ice\",result=\"failed\"} 1",
        "saslift_token_life_seconds{identity=\"office\"} 3000",
        "saslift_worker_deaths_total 1",
        "saslift_log_lines_dropped_total 3",
        "saslift_identity_expiry_timestamp_seconds{identity=\"office\",what=\"client_secret\"} 1893542400",
        "saslift_login_phase_seconds_bucket{phase=\"keeper\",le=\"0.005\"} 1",
        "saslift_login_phase_seconds_bucket{phase=\"keeper\",le=\"0.01\"} 2",
        "saslift_login_phase_seconds_bucket{phase=\"keeper\",le=\"30\"} 2",
        "saslift_login_phase_seconds_bucket{phase=\"keeper\",le=\"+Inf\"} 3",
        "saslift_login_phase_seconds_count{phase=\"keeper\"} 3",
        "saslift_login_phase_seconds_sum{phase=\"keeper\"} 90.011",
        "# TYPE saslift_logins_total counter"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
  CHECK(text.find("canary") == std::string::npos);
  CHECK(text.find("EOF") == std::string::npos);
}

TEST_CASE("OpenMetrics names a counter's family without its suffix, and has an end") {
  const std::string text = page(MetricsFormat::openmetrics);
  CHECK(has_line(text, "# TYPE saslift_logins counter"));
  CHECK(has_line(text, "saslift_worker_deaths_total 1"));
  CHECK(text.ends_with("\n# EOF\n"));
}
