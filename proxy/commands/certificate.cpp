#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "proxy/commands/configuration.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/certificate_facts.h"
#include "proxy/keeper/own_certificate.h"

namespace saslift::proxy::commands {
namespace {

using json = nlohmann::ordered_json;

struct Shown {
  std::vector<std::string> listeners;
  bool is_own = false;
  keeper::CertificateFacts facts;
};

int refuse(int exit, std::string_view why) {
  fmt::print(stderr, "saslift certificate: {}\n", why);
  return exit;
}

bool is_meant(const config::Listener& listener, const std::string& name) {
  return name.empty() || name == listener.name || name == listener.address.text() ||
         name == config::name_of(listener.protocol);
}

// One for each certificate, however many listeners show it.
std::expected<std::vector<Shown>, std::string> collect(const config::Settings& settings, const std::string& wanted) {
  std::vector<Shown> all;
  const auto now = std::chrono::system_clock::now();
  for (const auto& listener : settings.listeners) {
    if (listener.tls == config::ListenerTls::off || !is_meant(listener, wanted)) continue;
    const bool is_own = listener.certificate.chain.empty();
    config::Secret pem;
    if (is_own) {
      auto own =
          keeper::own_certificate({keeper::own_certificate_path(settings.service), keeper::own_names(settings)}, now);
      if (!own) return std::unexpected(own.error());
      pem = std::move(*own);
    } else {
      pem = listener.certificate_pem.copy();
    }
    auto facts = keeper::read_facts(pem.reveal());
    if (!facts) return std::unexpected(fmt::format("{}: its certificate cannot be read", listener.name));
    const auto known = std::ranges::find(all, facts->sha256, [](const Shown& one) { return one.facts.sha256; });
    if (known != all.end()) {
      known->listeners.push_back(listener.name);
    } else {
      all.push_back({{listener.name}, is_own, std::move(*facts)});
    }
  }
  return all;
}

json to_json(const Shown& shown) {
  return {{"listeners", shown.listeners},
          {"self_signed", shown.is_own},
          {"subject", shown.facts.subject},
          {"names", shown.facts.names},
          {"not_before", keeper::timestamp(shown.facts.not_before)},
          {"not_after", keeper::timestamp(shown.facts.not_after)},
          {"sha256", shown.facts.sha256},
          {"sha1", shown.facts.sha1},
          {"pem", shown.facts.pem}};
}

// Beside the export, which is all that standard output gets.
void describe(const Shown& shown) {
  for (const auto& listener : shown.listeners) fmt::print(stderr, "listener    {}\n", listener);
  fmt::print(stderr, "subject     {}{}\n", shown.facts.subject, shown.is_own ? " (self-signed)" : "");
  for (const auto& name : shown.facts.names) fmt::print(stderr, "name        {}\n", name);
  fmt::print(stderr, "valid until {}\n", keeper::timestamp(shown.facts.not_after));
  fmt::print(stderr, "SHA-256     {}\nSHA-1       {}\n", shown.facts.sha256, shown.facts.sha1);
}

int print_der(const std::vector<Shown>& all) {
  if (all.size() > 1) {
    return refuse(wrong_use, "the listeners have several certificates, and DER holds one; name one with --listener");
  }
  if (::isatty(STDOUT_FILENO) == 1) return refuse(wrong_use, "DER is binary; send it to a file: --der > saslift.der");
  describe(all.front());
  const std::string& der = all.front().facts.der;
  return std::fwrite(der.data(), 1, der.size(), stdout) == der.size() ? yes : no;
}

}  // namespace

int certificate(const CertificateOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  const auto all = collect(loaded->settings, options.listener);
  if (!all) return refuse(no, all.error());
  if (all->empty()) {
    return refuse(no, options.listener.empty() ? "no listener has TLS; set tls = \"starttls\", \"implicit\" or \"auto\""
                                               : "no listener of that name has TLS");
  }
  switch (options.form) {
    case CertificateForm::der:
      return print_der(*all);
    case CertificateForm::json: {
      json list = json::array();
      for (const auto& shown : *all) list.push_back(to_json(shown));
      const json object{{"certificates", std::move(list)}};
      fmt::print(stdout, "{}\n", object.dump(2, ' ', false, json::error_handler_t::replace));
      return yes;
    }
    case CertificateForm::pem:
      for (const auto& shown : *all) {
        describe(shown);
        fmt::print(stdout, "{}", shown.facts.pem);
      }
  }
  return yes;
}

}  // namespace saslift::proxy::commands
