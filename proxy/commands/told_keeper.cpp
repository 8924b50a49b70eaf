#include "proxy/commands/told_keeper.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "proxy/keeper/control_requests.h"
#include "proxy/keeper/control_socket.h"

namespace saslift::proxy::commands {

Told tell_keeper(const config::Service& service, std::string_view request) {
  const std::string path = keeper::control_path(service);
  const auto reply = keeper::ask_keeper(path, request, keeper::wait_for_disk);
  if (!reply) {
    return std::unexpected(fmt::format("saslift is not running, or out of reach: {}: {}", path, reply.error().detail));
  }
  return keeper::read_control_reply(*reply);
}

std::string sessions_ended(const keeper::ControlOutcome& outcome) {
  const std::size_t count = outcome.sessions_ended.value_or(0);
  if (count == 0) return "no session ended";
  return fmt::format("{} session{} ended", count, count == 1 ? "" : "s");
}

std::string told_to_programs(const About& about, const Told& told) {
  nlohmann::ordered_json object{{about.name, about.value}, {"ok", told.has_value()}};
  if (told) {
    object["sessions_ended"] = told->sessions_ended.value_or(0);
  } else {
    object["error"] = told.error();
  }
  return object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace saslift::proxy::commands
