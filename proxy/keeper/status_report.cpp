#include "proxy/keeper/status_report.h"

#include <nlohmann/json.hpp>

#include "proxy/keeper/log_line.h"
#include "proxy/keeper/readiness.h"

namespace saslift::proxy::keeper {
namespace {

using json = nlohmann::ordered_json;

json to_json(const WorkerStatus& worker) {
  const auto started = WallTime(std::chrono::seconds(worker.started));
  return {
      {"pid", worker.pid}, {"started", timestamp(started)}, {"restarts", worker.restarts}, {"retired", worker.retired}};
}

json to_json(const OpenListener& listener) {
  return {{"name", listener.settings->name},
          {"protocol", config::name_of(listener.settings->protocol)},
          {"address", listener.address.text()},
          {"tls", config::name_of(listener.settings->tls)}};
}

json to_json(const auth::IdentityStatus& identity, auth::WallTime wall) {
  json life = nullptr;
  if (identity.token_life_left) {
    life = std::chrono::duration_cast<std::chrono::seconds>(*identity.token_life_left).count();
  }
  json expiries = json::array();
  for (const auth::Expiry& expiry : identity.expiries) {
    expiries.push_back(
        {{"what", name_of(expiry.what)}, {"on", date_of(expiry)}, {"days_left", days_left(expiry, wall)}});
  }
  return {{"name", identity.name},
          {"token_life_seconds", life},
          {"last_error", identity.last_error},
          {"user", identity.user},
          {"sign_in_needed", identity.sign_in_needed},
          {"usable", identity.usable},
          {"expires", expiries}};
}

json to_json(const auth::TurnAwayCounts& counts) {
  json result = json::object();
  for (std::size_t why = 0; why < counts.size(); ++why) {
    result[std::string(name_of(static_cast<auth::TurnAway>(why)))] = counts.at(why);
  }
  return result;
}

template <class Items>
json list(const Items& items) {
  json result = json::array();
  for (const auto& item : items) result.push_back(to_json(item));
  return result;
}

// Never throws at text that is no UTF-8.
std::string dump(const json& value) { return value.dump(-1, ' ', true, json::error_handler_t::replace); }

}  // namespace

std::string status_report(const StatusFacts& facts) {
  json identities = json::array();
  for (const auto& identity : facts.desk.identities) identities.push_back(to_json(identity, facts.desk.wall));
  const Readiness readiness = readiness_of(facts.workers, facts.listeners, facts.desk);
  return dump({{"version", SASLIFT_VERSION},
               {"pid", facts.pid},
               {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(facts.uptime).count()},
               {"workers", list(facts.workers)},
               {"listeners", list(facts.listeners)},
               {"sessions", facts.desk.sessions},
               {"logins",
                {{"succeeded", facts.desk.logins_succeeded},
                 {"refused", facts.desk.logins_refused},
                 {"large", facts.desk.large_logins}}},
               {"old_tls_clients", facts.desk.old_tls_clients},
               {"identities", std::move(identities)},
               {"state", {{"health", name_of(facts.desk.state.health)}, {"detail", facts.desk.state.detail}}},
               {"open_questions", facts.desk.open_questions},
               {"ready", readiness.ready},
               {"lacking", readiness.lacking},
               {"slots", {{"in_use", facts.desk.slots_in_use}, {"waiting", facts.desk.slots_waiting}}},
               {"turned_away", to_json(facts.desk.turned_away)},
               {"metrics", facts.metrics},
               {"log_lines_dropped", facts.log_lines_dropped}});
}

}  // namespace saslift::proxy::keeper
