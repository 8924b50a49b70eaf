#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "auth/token_facts.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/proof.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/process_limits.h"
#include "proxy/keeper/token_for_command.h"

namespace saslift::proxy::commands {
namespace {

using json = nlohmann::ordered_json;

int refuse(std::string_view why) {
  fmt::print(stderr, "saslift token: {}\n", why);
  return wrong_use;
}

void print_json(const json& object) {
  fmt::print(stdout, "{}\n", object.dump(-1, ' ', false, json::error_handler_t::replace));
}

int report_failure(const TokenOptions& options, const auth::TokenError& error) {
  if (options.output == Output::json) {
    print_json(
        {{"ok", false}, {"identity", options.identity}, {"error", error.error}, {"description", error.description}});
  } else {
    fmt::print(stderr, "identity '{}' gets no token: {}{}{}\n{}", options.identity, error.error,
               error.description.empty() ? "" : ": ", error.description, remedy_lines(error));
  }
  return no;
}

void print_people(const TokenOptions& options, const auth::Token& token, const config::Identity& identity) {
  const auto facts = auth::facts_of_token(token.access_token.reveal());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(token.life).count();
  fmt::print(stdout, "identity '{}' gets a token; it lives {} s\n", options.identity, seconds);
  for (const auto& fact : facts) fmt::print(stdout, "  {:<18} {}\n", fact.name, fact.value);
  if (facts.empty()) fmt::print(stdout, "  it is no JWT, so it does not say what it is for\n");
  for (const auto& doubt : auth::doubts_about(facts, identity.provider)) fmt::print(stdout, "note: {}\n", doubt);
  if (options.secret == SecretIs::withheld) return;
  fmt::print(stderr, "warning: whoever has this token opens what it opens, until it expires\n");
  fmt::print(stdout, "{}\n", token.access_token.reveal());
}

void print_programs(const TokenOptions& options, const auth::Token& token, const config::Identity& identity) {
  const auto facts = auth::facts_of_token(token.access_token.reveal());
  json claims = json::object();
  for (const auto& fact : facts) claims[fact.name] = fact.value;
  json object{{"ok", true},
              {"identity", options.identity},
              {"expires_in", std::chrono::duration_cast<std::chrono::seconds>(token.life).count()},
              {"user", token.user},
              {"claims", std::move(claims)},
              {"notes", auth::doubts_about(facts, identity.provider)}};
  if (options.secret == SecretIs::shown) object["access_token"] = token.access_token.reveal();
  print_json(object);
}

}  // namespace

int token(const TokenOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  const auto found = loaded->settings.identities.find(options.identity);
  if (found == loaded->settings.identities.end()) {
    return refuse(fmt::format("there is no identity '{}' in {}", options.identity, loaded->settings.path));
  }
  const config::Identity& identity = found->second;
  if (config::acts_for_one_mailbox(identity.grant) && options.mailbox.empty()) {
    return refuse(
        fmt::format("identity '{}' acts for one mailbox at a time; name it: --mailbox user@domain", identity.name));
  }
  keeper::refuse_core_files();
  ::signal(SIGPIPE, SIG_IGN);
  const auto outcome =
      keeper::token_for_command(loaded->settings, {.identity = identity.name, .subject = options.mailbox});
  if (!outcome) return report_failure(options, outcome.error());
  options.output == Output::json ? print_programs(options, *outcome, identity)
                                 : print_people(options, *outcome, identity);
  return yes;
}

}  // namespace saslift::proxy::commands
