#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/remedies.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/proof.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/process_limits.h"
#include "proxy/keeper/token_for_command.h"
#include "proxy/trial/trial.h"

namespace saslift::proxy::commands {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t most_shown = 8;

struct Refusal {
  std::string user;
  std::string words;
};

struct Tried {
  config::Protocol protocol = config::Protocol::imap;
  config::Endpoint endpoint;
  std::string user;
  std::string upn;  // not tried yet; empty: there is none to try
  trial::Report report;
  std::optional<Refusal> before;  // by the mailbox's address, then it was tried by its upn

  [[nodiscard]] bool good() const { return report.logged_in && report.proven; }
  // The server's words to which a remedy may be known.
  [[nodiscard]] std::string words() const {
    if (!report.words.empty() || report.proven || report.proof.empty()) return report.words;
    return report.proof.back();
  }
  // Of the name, perhaps: the service, too, tries the upn then.
  [[nodiscard]] bool refused() const {
    return report.failure == auth::LoginFailure::identity_refused || (!good() && auth::tells_unconnected(words()));
  }
  [[nodiscard]] std::optional<auth::Remedy> remedy() const { return good() ? std::nullopt : auth::remedy_for(words()); }
};

void print_json(const json& object) {
  fmt::print(stdout, "{}\n", object.dump(-1, ' ', false, json::error_handler_t::replace));
}

json to_json(const Tried& tried) {
  json object{{"protocol", config::name_of(tried.protocol)},
              {"host", tried.endpoint.host},
              {"port", tried.endpoint.port},
              {"ok", tried.good()},
              {"user", tried.user},
              {"logged_in", tried.report.logged_in},
              {"proof", tried.report.proof},
              {"milliseconds", tried.report.times.connect + tried.report.times.login}};
  if (tried.before) object["refused_before"] = {{"user", tried.before->user}, {"words", tried.before->words}};
  if (tried.good()) return object;
  if (tried.report.failure) object["failure"] = auth::name_of(*tried.report.failure);
  object["words"] = tried.words();
  const auto remedy = tried.remedy().value_or(auth::Remedy{});
  object["cause"] = remedy.cause;
  object["next_step"] = remedy.next_step;
  return object;
}

// Which of the mailbox's two names opens it, where it has two.
void print_names(const Tried& tried) {
  if (tried.before) {
    fmt::print(stdout, "      by its upn {}; as {} it was refused: {}\n", tried.user, tried.before->user,
               tried.before->words);
  } else if (!tried.upn.empty()) {
    fmt::print(stdout, "      as {}; its upn {} was not tried\n", tried.user, tried.upn);
  }
}

void print_people(const Tried& tried) {
  const std::string place = fmt::format("{}:{}", tried.endpoint.host, tried.endpoint.port);
  if (tried.good()) {
    fmt::print(stdout, "{:<5} {:<32} yes  connected in {} ms, logged in after {} ms\n", config::name_of(tried.protocol),
               place, tried.report.times.connect, tried.report.times.login);
    print_names(tried);
    const std::size_t shown = std::min(most_shown, tried.report.proof.size());
    for (std::size_t at = 0; at < shown; ++at) fmt::print(stdout, "      {}\n", tried.report.proof[at]);
    if (shown < tried.report.proof.size()) {
      fmt::print(stdout, "      and {} lines more\n", tried.report.proof.size() - shown);
    }
    return;
  }
  fmt::print(stdout, "{:<5} {:<32} no   {}: {}\n", config::name_of(tried.protocol), place,
             tried.report.logged_in ? "logged in, but the mailbox does not open"
             : tried.report.failure ? auth::name_of(*tried.report.failure)
                                    : "failed",
             tried.words());
  print_names(tried);
  if (const auto remedy = tried.remedy()) {
    fmt::print(stdout, "      cause: {}\n      next:  {}\n", remedy->cause, remedy->next_step);
  }
}

void try_user(Tried& tried, const config::Settings& settings, const Subject& subject, const auth::Token& token) {
  const config::Provider& provider = subject.identity.provider;
  trial::Plan plan{.protocol = tried.protocol, .service = settings.service, .ca_file = provider.ca_file, .granted = {}};
  plan.granted.account = subject.account.name;
  plan.granted.identity = subject.identity.name;
  plan.granted.mailbox = tried.user;
  plan.granted.mechanism = provider.mechanism;
  plan.granted.access_token = token.access_token.copy();
  plan.granted.host = tried.endpoint.host;
  plan.granted.port = tried.endpoint.port;
  plan.granted.tls = tried.endpoint.tls;
  tried.report = trial::try_login(std::move(plan));
}

Tried try_protocol(const config::Settings& settings, const Subject& subject, const auth::Token& token,
                   config::Protocol protocol) {
  Tried tried{.protocol = protocol,
              .endpoint = *subject.identity.provider.endpoint(protocol),
              .user = upstream_user(subject, protocol),
              .upn = other_upstream_user(subject, protocol),
              .report = {},
              .before = {}};
  try_user(tried, settings, subject, token);
  if (tried.upn.empty() || !tried.refused()) return tried;
  tried.before = Refusal{.user = std::exchange(tried.user, std::exchange(tried.upn, {})), .words = tried.words()};
  try_user(tried, settings, subject, token);
  return tried;
}

int report_no_token(const TestOptions& options, const Subject& subject, const auth::TokenError& error) {
  if (options.output == Output::json) {
    const auto remedy = auth::remedy_for(error).value_or(auth::Remedy{});
    print_json({{"ok", false},
                {"account", options.account},
                {"mailbox", subject.mailbox},
                {"error", error.error},
                {"description", error.description},
                {"cause", remedy.cause},
                {"next_step", remedy.next_step}});
  } else {
    fmt::print(stderr, "identity '{}' gets no token: {}{}{}\n{}", subject.identity.name, error.error,
               error.description.empty() ? "" : ": ", error.description, remedy_lines(error));
  }
  return no;
}

}  // namespace

int test(const TestOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  const auto subject = find_subject(loaded->settings, options.account, options.mailbox);
  if (!subject) {
    fmt::print(stderr, "saslift test: {}\n", subject.error());
    return wrong_use;
  }
  keeper::refuse_core_files();
  ::signal(SIGPIPE, SIG_IGN);
  const auto token = keeper::token_for_command(loaded->settings, token_key(*subject));
  if (!token) return report_no_token(options, *subject, token.error());
  json protocols = json::array();
  bool all_good = true;
  if (options.output == Output::people) {
    fmt::print(stdout, "account '{}' opens {} with a token of identity '{}'\n", options.account, subject->mailbox,
               subject->identity.name);
  }
  for (const config::Protocol protocol : subject->account.protocols) {
    const Tried tried = try_protocol(loaded->settings, *subject, *token, protocol);
    all_good = all_good && tried.good();
    options.output == Output::json ? protocols.push_back(to_json(tried)) : print_people(tried);
  }
  if (options.output == Output::json) {
    print_json(
        {{"ok", all_good}, {"account", options.account}, {"mailbox", subject->mailbox}, {"protocols", protocols}});
  }
  return all_good ? yes : no;
}

}  // namespace saslift::proxy::commands
