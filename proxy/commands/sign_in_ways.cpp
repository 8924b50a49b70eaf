#include "proxy/commands/sign_in_ways.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <thread>
#include <variant>

#include "auth/grants/authorization_code.h"
#include "auth/grants/device_code.h"
#include "auth/grants/redirect.h"
#include "proxy/commands/sign_in_words.h"
#include "proxy/keeper/one_exchange.h"

namespace saslift::proxy::commands {
namespace {

using auth::BootClock;

void say(const SignInAttempt& attempt, const std::string& words) {
  fmt::print(attempt.prompts, "{}", words);
  std::fflush(attempt.prompts);
}

void sleep_until(auth::Instant until) {
  for (auto now = BootClock::now(); now < until; now = BootClock::now()) std::this_thread::sleep_for(until - now);
}

SignInResult failed(auth::TokenError error) { return {std::unexpected(std::move(error)), std::nullopt}; }

auth::TokenError error_of_ours(std::string name, std::string description) {
  auth::TokenError error;
  error.kind = auth::TokenErrorKind::permanent;
  error.error = std::move(name);
  error.description = std::move(description);
  return error;
}

auth::Authorization new_authorization(const SignInAttempt& attempt, std::string redirect_uri) {
  auth::AuthorizationSeed seed;
  randombytes_buf(seed.verifier.data(), seed.verifier.size());
  randombytes_buf(seed.state.data(), seed.state.size());
  auth::Authorization made(attempt.identity, std::move(redirect_uri), seed, BootClock::now());
  sodium_memzero(seed.verifier.data(), seed.verifier.size());
  return made;
}

// The code's token, or what the redirect said instead.
auth::TokenOutcome redeemed(const SignInAttempt& attempt, const auth::Authorization& authorization,
                            auth::RedirectVerdict answer) {
  if (auto* error = std::get_if<auth::TokenError>(&answer)) return std::unexpected(std::move(*error));
  const auto& code = std::get<config::Secret>(answer);
  return auth::read_reply(keeper::exchange_once(authorization.redeem(
      attempt.identity, attempt.service, {.code = code, .now = std::chrono::system_clock::now()})));
}

// Only where somebody sits in front of it.
void try_to_open(const std::string& url) {
  const bool has_display = ::getenv("DISPLAY") != nullptr || ::getenv("WAYLAND_DISPLAY") != nullptr;
  if (!has_display || ::isatty(STDIN_FILENO) == 0) return;
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&quiet, descriptor, "/dev/null", O_RDWR, 0);
  }
  std::string program = "xdg-open";
  std::string argument = url;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  posix_spawnp(&child, program.c_str(), &quiet, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&quiet);
}

}  // namespace

SignInResult sign_in_by_device(const SignInAttempt& attempt) {
  const auto& [identity, service, prompts] = attempt;
  const auto wall = [] { return std::chrono::system_clock::now(); };
  auto shown = auth::read_device_authorization(
      keeper::exchange_once(auth::request_device_authorization(identity, service, wall())));
  if (!shown) return failed(std::move(shown.error()));
  auth::DevicePolling polling(*shown, BootClock::now());
  say(attempt, device_prompt(identity, *shown));
  while (const auto at = polling.ask_at()) {
    sleep_until(*at);
    auto outcome = auth::read_reply(keeper::exchange_once(
        auth::request_device_token(identity, service, {.device_code = shown->device_code, .now = wall()})));
    auth::DeviceVerdict verdict = polling.received(std::move(outcome), BootClock::now());
    if (auto* token = std::get_if<auth::Token>(&verdict)) return {std::move(*token), std::nullopt};
    if (auto* error = std::get_if<auth::TokenError>(&verdict)) return failed(std::move(*error));
  }
  return failed(auth::expired_device_code());
}

SignInResult sign_in_by_browser(const SignInAttempt& attempt, const sign_in::LoopbackUri& redirect_uri) {
  auto listener = sign_in::RedirectListener::open({.port = redirect_uri.port, .path = redirect_uri.request_path()});
  if (!listener) {
    return failed(error_of_ours("no_listener", fmt::format("cannot listen at {}: {}",
                                                           redirect_uri.at_port(redirect_uri.port), listener.error())));
  }
  auth::Authorization authorization = new_authorization(attempt, redirect_uri.at_port(listener->port()));
  say(attempt, browser_prompt(attempt.identity, authorization, BrowserIs::here));
  try_to_open(authorization.url());
  std::optional<auth::RedirectVerdict> answer;
  const auto judge = [&](std::string_view query) -> std::optional<std::string> {
    auth::RedirectVerdict verdict = authorization.received(query, BootClock::now());
    if (const auto* foreign = std::get_if<auth::ForeignRedirect>(&verdict)) {
      return fmt::format("This address is not the answer that is waited for: {}. The sign-in still waits.",
                         foreign->why);
    }
    answer = std::move(verdict);
    return std::nullopt;
  };
  if (!listener->wait(judge, authorization.ends())) return failed(auth::expired_authorization());
  return {redeemed(attempt, authorization, std::move(*answer)), std::move(*listener)};
}

SignInResult sign_in_by_pasting(const SignInAttempt& attempt) {
  const std::string& configured = attempt.identity.redirect_uri;
  auth::Authorization authorization =
      new_authorization(attempt, configured.empty() ? std::string(sign_in::default_redirect_uri) : configured);
  say(attempt, browser_prompt(attempt.identity, authorization, BrowserIs::elsewhere));
  std::string line;
  while (std::getline(std::cin, line)) {
    const config::Secret pasted = config::Secret::taken_from(line);
    const std::string_view query = auth::query_in(pasted.reveal());
    auth::RedirectVerdict verdict = authorization.received(query, BootClock::now());
    if (const auto* foreign = std::get_if<auth::ForeignRedirect>(&verdict)) {
      say(attempt, fmt::format("That is not the address that is waited for: {}. Paste the right one:\n", foreign->why));
      continue;
    }
    return {redeemed(attempt, authorization, std::move(verdict)), std::nullopt};
  }
  return failed(error_of_ours("nothing_pasted", "standard input ended before the address was pasted"));
}

}  // namespace saslift::proxy::commands
