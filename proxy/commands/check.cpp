#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proxy/commands/configuration.h"
#include "proxy/commands/subcommands.h"
#include "proxy/net/tls_context.h"

namespace saslift::proxy::commands {
namespace {

using json = nlohmann::ordered_json;

json to_json(const config::Problem& problem) {
  return {{"file", problem.file}, {"line", problem.line}, {"column", problem.column}, {"text", problem.text}};
}

json to_json(const config::Listener& listener) {
  return {{"name", listener.name},
          {"protocol", config::name_of(listener.protocol)},
          {"address", listener.address.text()},
          {"tls", config::name_of(listener.tls)}};
}

template <class Items>
json list(const Items& items) {
  json result = json::array();
  for (const auto& item : items) result.push_back(to_json(item));
  return result;
}

void print_json(const json& object) {
  fmt::print(stdout, "{}\n", object.dump(2, ' ', false, json::error_handler_t::replace));
}

// Whether key and certificate fit together only OpenSSL can tell.
std::vector<config::Problem> unusable_certificates(const config::Settings& settings) {
  std::vector<config::Problem> problems;
  for (const auto& listener : settings.listeners) {
    if (listener.certificate_pem.empty()) continue;
    try {
      const net::ListenerTlsContext fits(
          listener.certificate_pem,
          {.alpn = {}, .versions = listener.legacy_tls ? net::TlsVersions::legacy : net::TlsVersions::current});
    } catch (const std::exception& wrong) {
      problems.push_back({settings.path, 0, 0, fmt::format("listener {}: {}", listener.name, wrong.what())});
    }
  }
  return problems;
}

// What no configuration can change and its owner should know.
std::vector<std::string> notes_on(const config::Settings& settings) {
  std::vector<std::string> notes;
  for (const auto& [name, identity] : settings.identities) {
    if (identity.grant != config::Grant::client_credentials) continue;
    notes.push_back(
        fmt::format("a token of identity '{}' opens every mailbox granted to its app, for an hour: give mailboxes that "
                    "must not share a fate app registrations of their own",
                    name));
  }
  return notes;
}

int report_problems(const CheckOptions& options, const std::vector<config::Problem>& problems) {
  if (options.output == Output::json) {
    print_json({{"ok", false}, {"problems", list(problems)}, {"warnings", json::array()}});
  } else {
    print_problems(problems);
    fmt::print(stderr, "{} problem{}: saslift would not start\n", problems.size(), problems.size() == 1 ? "" : "s");
  }
  return wrong_use;
}

void print_settings(const config::Settings& settings) {
  fmt::print(stdout, "{}: good; {} account{}, {} identit{}\n", settings.path, settings.accounts.size(),
             settings.accounts.size() == 1 ? "" : "s", settings.identities.size(),
             settings.identities.size() == 1 ? "y" : "ies");
  fmt::print(stdout, "would listen on:\n");
  for (const auto& listener : settings.listeners) {
    fmt::print(stdout, "  {:<5} {:<24} tls {}{}\n", config::name_of(listener.protocol), listener.address.text(),
               config::name_of(listener.tls), listener.optional ? ", where the host has this address" : "");
  }
  for (const auto& note : notes_on(settings)) fmt::print(stdout, "note: {}\n", note);
}

}  // namespace

int check(const CheckOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) return report_problems(options, loaded.error());
  const config::Settings& settings = loaded->settings;
  if (const auto unusable = unusable_certificates(settings); !unusable.empty()) {
    return report_problems(options, unusable);
  }
  if (options.output == Output::json) {
    print_json({{"ok", true},
                {"problems", json::array()},
                {"warnings", list(loaded->warnings)},
                {"notes", notes_on(settings)},
                {"listeners", list(settings.listeners)}});
  } else {
    print_warnings(loaded->warnings);
    print_settings(settings);
  }
  return yes;
}

}  // namespace saslift::proxy::commands
