#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "proxy/commands/configuration.h"
#include "proxy/commands/proof.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/process_limits.h"
#include "proxy/keeper/token_for_command.h"
#include "proxy/sasl/bearer.h"

namespace saslift::proxy::commands {
namespace {

int refuse(std::string_view why) {
  fmt::print(stderr, "saslift sasl: {}\n", why);
  return wrong_use;
}

// `upn`: the mailbox's other name, empty where it has none.
void print_people(const ServerLogin& login, const config::Secret& response, const std::string& upn) {
  fmt::print(stderr,
             "For AUTH {} at {} as {}. This is a secret: whoever has it opens the mailbox until the token expires.\n",
             sasl::name_of(login.mechanism), login.host, login.mailbox);
  if (!upn.empty()) {
    fmt::print(stderr, "If the server refuses that, the mailbox may open by its upn: the same with --mailbox {}\n",
               upn);
  }
  fmt::print(stdout, "{}\n", response.reveal());
}

void print_programs(const ServerLogin& login, const config::Secret& response, const std::string& upn) {
  nlohmann::ordered_json object{{"mechanism", sasl::name_of(login.mechanism)},
                                {"user", login.mailbox},
                                {"host", login.host},
                                {"port", login.port},
                                {"initial_response", response.reveal()}};
  if (!upn.empty()) object["upn"] = upn;
  fmt::print(stdout, "{}\n", object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

int sasl(const SaslOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  const auto subject = find_subject(loaded->settings, options.account, options.mailbox);
  if (!subject) return refuse(subject.error());
  const auto& endpoint = subject->identity.provider.endpoint(options.protocol);
  if (!endpoint) {
    return refuse(
        fmt::format("the provider of account '{}' has no {}", options.account, config::name_of(options.protocol)));
  }
  keeper::refuse_core_files();
  ::signal(SIGPIPE, SIG_IGN);
  auto token = keeper::token_for_command(loaded->settings, token_key(*subject));
  if (!token) {
    const auth::TokenError& error = token.error();
    fmt::print(stderr, "identity '{}' gets no token: {}{}{}\n{}", subject->identity.name, error.error,
               error.description.empty() ? "" : ": ", error.description, remedy_lines(error));
    return no;
  }
  const ServerLogin login{.mailbox = upstream_user(*subject, options.protocol),
                          .access_token = std::move(token->access_token),
                          .mechanism = subject->identity.provider.mechanism,
                          .tls = endpoint->tls,
                          .ehlo_word = {},
                          .host = endpoint->host,
                          .port = endpoint->port};
  std::string text = sasl::initial_response(login);
  const config::Secret response = config::Secret::taken_from(text);
  const std::string upn = other_upstream_user(*subject, options.protocol);
  options.output == Output::json ? print_programs(login, response, upn) : print_people(login, response, upn);
  return yes;
}

}  // namespace saslift::proxy::commands
