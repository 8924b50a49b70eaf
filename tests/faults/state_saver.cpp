// A keeper in small, for test_state_faults.py to fail and to kill: a provider gives it one refresh token after
// another ("r1", "r2"...; the old ones stay valid, as Entra's do), and it keeps each.
//
//   state_saver DIRECTORY COUNT   opens the state and has COUNT refreshes; a line before and after each
//   state_saver DIRECTORY         says what the state holds
#include <cstdio>
#include <cstdlib>
#include <string>

#include "auth/refresh_tokens.h"
#include "proxy/keeper/state_file.h"

namespace {

using namespace saslift;

config::Settings settings_of_one_person() {
  config::Identity identity;
  identity.name = "office";
  identity.grant = config::Grant::device_code;
  config::Settings settings;
  settings.identities.emplace("office", std::move(identity));
  return settings;
}

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

int number_of(const config::Secret* token) {
  return token != nullptr ? std::atoi(std::string(token->reveal().substr(1)).c_str()) : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 2 ? std::atoi(argv[2]) : 0;
  const config::Settings settings = settings_of_one_person();
  proxy::keeper::StateFile file(argc > 1 ? argv[1] : "");
  auth::OpenedState opened = file.open({});
  if (!opened.unreadable.empty()) say("unreadable: " + opened.unreadable);
  if (!opened.suspect.empty()) say("suspect: " + opened.suspect);
  if (!opened.unreadable.empty()) return 0;
  auth::RefreshTokens tokens(settings);
  auth::Now now;
  tokens.opened(std::move(opened), now);
  int last = number_of(tokens.find("office"));
  say("holds " + std::to_string(last));
  for (int i = 0; i < count; ++i) {
    now.instant += std::chrono::hours(1);
    now.wall += std::chrono::hours(1);
    const config::Secret token("r" + std::to_string(++last));
    say("trying " + std::to_string(last));
    if (tokens.find("office") == nullptr) {
      if (!tokens.sign_in({.identity = "office", .refresh_token = token.copy(), .user = ""}, now)) return 1;
    } else if (tokens.refreshed("office", token, "", now) == 0) {
      return 1;
    }
    const auto order = tokens.take_save(now);
    if (!order) return 1;
    const auto saved = file.save(order->sealed);
    tokens.saved(saved, now.instant);
    say(saved ? "saved " + std::to_string(last) : "refused " + std::to_string(last) + ": " + saved.error());
    if (number_of(tokens.find("office")) != last) return 1;
  }
  return 0;
}
