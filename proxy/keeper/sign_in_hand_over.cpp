#include "proxy/keeper/sign_in_hand_over.h"

#include <fmt/format.h>
#include <unistd.h>

#include "auth/refresh_tokens.h"
#include "proxy/keeper/control_requests.h"
#include "proxy/keeper/control_socket.h"
#include "proxy/keeper/service_user.h"
#include "proxy/keeper/state_file.h"

namespace saslift::proxy::keeper {
namespace {

auth::SignInOutcome store(const config::Settings& settings, const auth::SignIn& sign_in) {
  if (const std::string& name = settings.service.user; !name.empty() && ::geteuid() == 0) {
    const auto user = service_user(name);
    if (!user) return std::unexpected(user.error());
    if (auto handed = hand_over_directory(settings.service.state_dir, *user); !handed) return handed;
  }
  StateFile file(settings.service.state_dir);
  if (auto locked = file.lock(); !locked) return std::unexpected(std::move(locked.error().detail));
  const auth::Now now{.instant = auth::BootClock::now(), .wall = std::chrono::system_clock::now()};
  auth::RefreshTokens tokens(settings);
  tokens.opened(file.open(settings.service.state_key), now);
  if (auto change = tokens.sign_in(sign_in, now); !change) return std::unexpected(std::move(change.error()));
  const auto order = tokens.take_save(now);
  return order ? file.save(order->sealed) : auth::SignInOutcome();
}

}  // namespace

std::expected<KeptBy, std::string> hand_over(const config::Settings& settings, const auth::SignIn& sign_in) {
  const std::string path = control_path(settings.service);
  const auto reply = ask_keeper(path, sign_in_request(sign_in).reveal(), wait_for_disk);
  if (reply) {
    if (auto kept = read_control_reply(*reply); !kept) return std::unexpected(std::move(kept.error()));
    return KeptBy::running_keeper;
  }
  if (reply.error().kind != AskFailure::nobody_there)
    return std::unexpected(fmt::format("the running saslift is out of reach: {}: {}", path, reply.error().detail));
  if (auto stored = store(settings, sign_in); !stored) return std::unexpected(std::move(stored.error()));
  return KeptBy::this_command;
}

}  // namespace saslift::proxy::keeper
