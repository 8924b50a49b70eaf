#include "proxy/commands/told_keeper.h"

#include <fmt/format.h>

#include "proxy/keeper/control_requests.h"
#include "proxy/keeper/control_socket.h"

namespace saslift::proxy::commands {

std::expected<void, std::string> tell_keeper(const config::Settings& settings, std::string_view request) {
  const std::string path = keeper::control_path(settings.service);
  const auto reply = keeper::ask_keeper(path, request, keeper::wait_for_disk);
  if (!reply) {
    return std::unexpected(fmt::format("saslift is not running, or out of reach: {}: {}", path, reply.error().detail));
  }
  return keeper::read_control_reply(*reply);
}

}  // namespace saslift::proxy::commands
