#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proxy/commands/configuration.h"
#include "proxy/commands/identity_facts.h"
#include "proxy/commands/subcommands.h"
#include "proxy/net/tls_context.h"

namespace saslift::proxy::commands {
namespace {

using json = nlohmann::ordered_json;

json to_json(const config::Problem& problem) {
  return {{"file", problem.file}, {"line", problem.line}, {"column", problem.column}, {"text", problem.text}};
}

json to_json(const IdentityCertificate& certificate) {
  return {{"identity", certificate.identity},
          {"not_after", certificate.not_after},
          {"thumbprint", certificate.thumbprint},
          {"x5t#S256", certificate.x5t_s256}};
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

void warn_of_ends(config::Loaded& loaded) {
  for (std::string& text : end_warnings(loaded.settings, std::chrono::system_clock::now()))
    loaded.warnings.push_back({loaded.settings.path, 0, 0, std::move(text)});
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

void print_certificate(const IdentityCertificate& certificate) {
  fmt::print(stdout, "certificate of identity '{}': until {}\n  thumbprint {}\n  x5t#S256   {}\n", certificate.identity,
             certificate.not_after, certificate.thumbprint, certificate.x5t_s256);
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
  for (const auto& certificate : certificates_of(settings)) print_certificate(certificate);
  for (const auto& note : notes_on(settings)) fmt::print(stdout, "note: {}\n", note);
}

}  // namespace

int check(const CheckOptions& options) {
  auto loaded = load_configuration(options.config);
  if (!loaded) return report_problems(options, loaded.error());
  warn_of_ends(*loaded);
  const config::Settings& settings = loaded->settings;
  if (const auto unusable = unusable_certificates(settings); !unusable.empty()) {
    return report_problems(options, unusable);
  }
  if (options.output == Output::json) {
    print_json({{"ok", true},
                {"problems", json::array()},
                {"warnings", list(loaded->warnings)},
                {"notes", notes_on(settings)},
                {"certificates", list(certificates_of(settings))},
                {"listeners", list(settings.listeners)}});
  } else {
    print_warnings(loaded->warnings);
    print_settings(settings);
  }
  return yes;
}

}  // namespace saslift::proxy::commands
