#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "auth/remedies.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/sign_in_ways.h"
#include "proxy/commands/sign_in_words.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/process_limits.h"
#include "proxy/keeper/sign_in_hand_over.h"

namespace saslift::proxy::commands {
namespace {

using json = nlohmann::ordered_json;
using config::Grant;

int refuse(std::string_view why) {
  fmt::print(stderr, "saslift sign-in: {}\n", why);
  return wrong_use;
}

void print_json(const json& object) {
  fmt::print(stdout, "{}\n", object.dump(-1, ' ', false, json::error_handler_t::replace));
}

// Empty: this identity can be signed in for.
std::string why_not(const config::Identity& identity) {
  if (identity.grant == Grant::device_code || identity.grant == Grant::browser) return {};
  if (identity.grant == Grant::refresh_token) {
    return fmt::format(
        "identity '{}' takes its refresh token from where 'refresh_token' says; put a new one there, or use grant "
        "\"browser\" or \"device_code\"",
        identity.name);
  }
  return fmt::format("identity '{}' gets its tokens by grant '{}', for which nobody signs in", identity.name,
                     config::name_of(identity.grant));
}

struct Kept {
  std::string user;
  keeper::KeptBy by = keeper::KeptBy::running_keeper;
};
using SignInEnd = std::expected<Kept, auth::TokenError>;

SignInEnd keep(const config::Settings& settings, const config::Identity& identity, auth::TokenOutcome token) {
  auth::TokenError error;
  error.kind = auth::TokenErrorKind::permanent;
  if (!token) return std::unexpected(std::move(token.error()));
  if (token->refresh_token.empty()) {
    error.error = "no_refresh_token";
    return std::unexpected(std::move(error));
  }
  const auth::SignIn sign_in{
      .identity = identity.name, .refresh_token = std::move(token->refresh_token), .user = token->user};
  auto by = keeper::hand_over(settings, sign_in);
  if (!by) {
    error.error = "not_kept";
    error.description = std::move(by.error());
    return std::unexpected(std::move(error));
  }
  return Kept{.user = sign_in.user, .by = *by};
}

sign_in::Page page_for(const SignInEnd& end) {
  if (end) return {.heading = "Signed in", .sentence = "You can close this window."};
  return {.heading = "Not signed in",
          .sentence = "saslift could not complete the sign-in; the terminal says why. You can close this window."};
}

void print_success(const config::Identity& identity, const Kept& kept) {
  fmt::print(stdout, "Signed in{}.\n", kept.user.empty() ? "" : " as " + kept.user);
  if (kept.user.empty() && !identity.owner.empty()) {
    fmt::print(stdout, "The provider does not say as whom: compare with '{}' yourself.\n", identity.owner);
  }
  fmt::print(stdout, "{}\n",
             kept.by == keeper::KeptBy::running_keeper
                 ? "The running saslift has the refresh token and uses it from now on."
                 : "saslift is not running; the refresh token is kept for its next start.");
}

int report(const config::Identity& identity, const SignInEnd& end, Output output) {
  if (end) {
    if (output == Output::people) {
      print_success(identity, *end);
    } else {
      const bool running = end->by == keeper::KeptBy::running_keeper;
      print_json({{"ok", true},
                  {"identity", identity.name},
                  {"user", end->user},
                  {"kept_by", running ? "running_saslift" : "this_command"}});
    }
    return yes;
  }
  const auth::TokenError& error = end.error();
  if (output == Output::people) {
    fmt::print(stderr, "{}", failure_words(identity, error));
    return no;
  }
  const auth::Remedy remedy = auth::remedy_for(error).value_or(auth::Remedy{});
  print_json({{"ok", false},
              {"identity", identity.name},
              {"error", error.error},
              {"description", error.description},
              {"cause", remedy.cause},
              {"next_step", remedy.next_step},
              {"trace_id", error.trace_id},
              {"correlation_id", error.correlation_id}});
  return no;
}

}  // namespace

int sign_in(const SignInOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  const config::Settings& settings = loaded->settings;
  const auto found = settings.identities.find(options.identity);
  if (found == settings.identities.end()) {
    return refuse(fmt::format("there is no identity '{}' in {}", options.identity, settings.path));
  }
  const config::Identity& identity = found->second;
  if (const std::string why = why_not(identity); !why.empty()) return refuse(why);
  const bool by_device = identity.grant == Grant::device_code;
  if (by_device && options.browser == SignInBrowser::elsewhere) {
    return refuse("--paste does nothing with grant 'device_code', which takes a browser anywhere");
  }
  const auto listen_at = sign_in::loopback_uri(identity.redirect_uri.empty() ? sign_in::default_redirect_uri
                                                                             : std::string_view(identity.redirect_uri));
  if (!by_device && options.browser == SignInBrowser::here && !listen_at) {
    return refuse(fmt::format("saslift cannot listen at redirect_uri '{}' for the browser to come back; use --paste",
                              identity.redirect_uri));
  }

  keeper::refuse_core_files();
  ::signal(SIGPIPE, SIG_IGN);
  const SignInAttempt attempt{
      .identity = identity, .service = settings.service, .prompts = options.output == Output::json ? stderr : stdout};
  SignInResult result = by_device                                     ? sign_in_by_device(attempt)
                        : options.browser == SignInBrowser::elsewhere ? sign_in_by_pasting(attempt)
                                                                      : sign_in_by_browser(attempt, *listen_at);
  const SignInEnd end = keep(settings, identity, std::move(result.token));
  if (result.browser) result.browser->answer(page_for(end));
  return report(identity, end, options.output);
}

}  // namespace saslift::proxy::commands
