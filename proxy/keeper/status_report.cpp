#include "proxy/keeper/status_report.h"

#include <nlohmann/json.hpp>

#include "proxy/keeper/log_line.h"

namespace saslift::proxy::keeper {
namespace {

using json = nlohmann::ordered_json;

json to_json(const WorkerStatus& worker) {
  const auto started = WallTime(std::chrono::seconds(worker.started));
  return {{"pid", worker.pid}, {"started", timestamp(started)}, {"restarts", worker.restarts}};
}

json to_json(const OpenListener& listener) {
  return {{"name", listener.settings->name},
          {"protocol", config::name_of(listener.settings->protocol)},
          {"address", listener.address.text()},
          {"tls", name_of(listener.settings->tls)}};
}

json to_json(const auth::IdentityStatus& identity) {
  json life = nullptr;
  if (identity.token_life_left) {
    life = std::chrono::duration_cast<std::chrono::seconds>(*identity.token_life_left).count();
  }
  return {{"name", identity.name}, {"token_life_seconds", life}, {"last_error", identity.last_error}};
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
               {"identities", list(facts.desk.identities)},
               {"open_questions", facts.desk.open_questions},
               {"log_lines_dropped", facts.log_lines_dropped}});
}

ControlCommand read_control_request(std::string_view request) {
  const json parsed = json::parse(request, nullptr, false);
  if (!parsed.is_object()) return ControlCommand::unknown;
  const auto command = parsed.find("command");
  const bool is_status = command != parsed.end() && command->is_string() && *command == "status";
  return is_status ? ControlCommand::status : ControlCommand::unknown;
}

std::string refused_control_request() { return R"({"error":"unknown command"})"; }

std::string status_request() { return R"({"command":"status"})"; }

}  // namespace saslift::proxy::keeper
