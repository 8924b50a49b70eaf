// Another configuration while sessions go on. It is read away from the loop and taken over whole, or not at all.
#include <algorithm>
#include <utility>

#include "proxy/keeper/keeper_loop.h"
#include "proxy/keeper/worker_count.h"

namespace saslift::proxy::keeper {
namespace {

constexpr auth::Duration longest_replacing{10'000};
constexpr const char* shutting_down = "saslift is shutting down";
constexpr const char* nothing_changed = "nothing was changed";

std::string text_of(const std::optional<config::SocketAddress>& address) { return address ? address->text() : "off"; }

}  // namespace

void KeeperLoop::reload(ReloadTold told) {
  if (draining_) {
    log_.write({config::LogLevel::warning, "reload_ignored", {{"reason", std::string(shutting_down)}}});
    return told(std::unexpected(Problems{shutting_down, nothing_changed}));
  }
  asked_to_reload_.push_back(std::move(told));
  if (!reader_.busy() && !once_workers_are_replaced_) read_configuration();
}

// Whoever asks while the file is being read may have changed what was read already, and is served by another reading.
void KeeperLoop::read_configuration() {
  auto asked = std::exchange(asked_to_reload_, {});
  service_manager_.reloading();
  reader_.read([this, asked = std::move(asked)](config::LoadResult result) {
    Reloaded reloaded = take_over(std::move(result));
    for (const auto& problem : reloaded ? Problems{} : reloaded.error()) {
      log_.write({config::LogLevel::error, "reload_failed", {{"reason", problem}, {"consequence", "nothing changes"}}});
    }
    if (!reloaded) reloaded.error().emplace_back(nothing_changed);
    once_workers_are_replaced_ = [this, asked, reloaded](const Problems& problems) {
      for (const auto& told : asked) told(problems.empty() ? reloaded : std::unexpected(problems));
      if (draining_) {
        for (const auto& late : std::exchange(asked_to_reload_, {}))
          late(std::unexpected(Problems{shutting_down, nothing_changed}));
        return;
      }
      if (!asked_to_reload_.empty()) return read_configuration();
      if (ready_) service_manager_.ready();
    };
    // Whoever is told may rely on it: a login from now on meets what is new.
    if (reloaded && workers_->replacing()) return replacing_ends_.set(longest_replacing);
    workers_replaced({});
  });
}

void KeeperLoop::workers_replaced(const Problems& problems) {
  replacing_ends_.cancel();
  if (const auto told = std::exchange(once_workers_are_replaced_, {})) told(problems);
}

KeeperLoop::Reloaded KeeperLoop::take_over(config::LoadResult result) {
  if (draining_) return std::unexpected(Problems{shutting_down});
  if (!result) {
    Problems problems;
    for (const auto& problem : result.error()) problems.push_back(problem.message());
    return std::unexpected(std::move(problems));
  }
  auto listeners = reopen_listeners(listeners_, result->settings.listeners);
  if (!listeners) return std::unexpected(Problems{listeners.error().what});
  auto certificates = choose_certificates(result->settings, *listeners);
  if (!certificates) {
    undo({.before = listeners_, .now = *listeners});
    return std::unexpected(Problems{certificates.error()});
  }
  auto plan = plan_workers(result->settings, *listeners, *certificates);
  if (!plan) {
    undo({.before = listeners_, .now = *listeners});
    return std::unexpected(Problems{plan.error()});
  }
  warnings_ = std::move(result->warnings);
  return take_over({std::move(result->settings), std::move(*listeners), std::move(*certificates), std::move(*plan)});
}

std::size_t KeeperLoop::take_over(Taken taken) {
  // Moving a container moves no element: the listeners' pointers, and the desk's to what was, stay good.
  const config::Settings before = std::exchange(settings_, std::move(taken.settings));
  std::vector<std::string> old_addresses;
  for (const auto& listener : listeners_) old_addresses.push_back(listener.address.text());
  listeners_ = std::move(taken.listeners);
  log_.adopt(settings_.log);
  const unsigned count = worker_count(settings_.service.workers, processors_here());
  const bool workers_stay = workers_->has(taken.plan, count);
  if (!workers_stay) {
    workers_->replace(std::move(taken.plan), count, settings_.service.drain);
    trust_stores_.given(workers_->generation(), auth::LoginDesk::trust_files(settings_));
  }
  use_certificates(std::move(taken.certificates));
  if (saver_ == nullptr) {
    if (const auto opened = open_state(); !opened) {
      log_.write({config::LogLevel::error, "state_not_opened", {{"reason", opened.error()}}});
    }
  }
  auto actions = desk_.reload(before, now());
  const std::size_t ended = sessions_ended_by(actions);
  note({config::LogLevel::info,
        "reloaded",
        {{"config", settings_.path},
         {"workers", std::string(workers_stay ? "untouched" : "replaced")},
         {"sessions_ended", static_cast<std::int64_t>(ended)}}});
  for (const auto& listener : listeners_) {
    const bool is_new =
        std::ranges::none_of(old_addresses, [&](const auto& one) { return one == listener.address.text(); });
    if (is_new) log_listening(listener);
  }
  for (const auto& warning : warnings_) {
    log_.write({config::LogLevel::warning, "configuration_warning", {{"text", warning.message()}}});
  }
  log_what_needs_a_restart(before);
  execute(std::move(actions));
  return ended;
}

void KeeperLoop::log_what_needs_a_restart(const config::Settings& before) {
  const std::pair<const char*, bool> keys[] = {
      {"state_key", before.service.state_key.reveal() != settings_.service.state_key.reveal()},
      {"state_dir", before.service.state_dir != settings_.service.state_dir},
      {"user", before.service.user != settings_.service.user},
      {"metrics", text_of(before.service.metrics) != text_of(settings_.service.metrics)},
  };
  for (const auto& [key, changed] : keys) {
    if (!changed) continue;
    log_.write(
        {config::LogLevel::warning,
         "restart_needed",
         {{"key", std::string(key)}, {"reason", "it was read at the start and stays as it was until the next"}}});
  }
}

}  // namespace saslift::proxy::keeper
