#include "proxy/commands/identity_facts.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <map>

#include "auth/expiry_watch.h"
#include "auth/grants/base64url.h"
#include "auth/refresh_tokens.h"
#include "config/signing_key.h"

namespace saslift::proxy::commands {
namespace {

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02X}", static_cast<unsigned char>(byte));
  return text;
}

bool is_app_only(const config::Identity& identity) {
  return !config::is_delegated(identity) && !config::acts_for_one_mailbox(identity.grant) &&
         identity.grant != config::Grant::command;
}

}  // namespace

std::vector<IdentityCertificate> certificates_of(const config::Settings& settings) {
  std::vector<IdentityCertificate> certificates;
  for (const auto& [name, identity] : settings.identities) {
    if (!identity.signing_key) continue;
    const auto facts = config::facts_of_certificate(identity.signing_key->certificate_der);
    if (!facts) continue;
    certificates.push_back({.identity = name,
                            .not_after = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", facts->not_after),
                            .thumbprint = hexadecimal(facts->sha1),
                            .x5t_s256 = auth::to_base64url(facts->sha256)});
  }
  return certificates;
}

std::vector<std::string> end_warnings(const config::Settings& settings, std::chrono::system_clock::time_point now) {
  std::vector<std::string> warnings;
  const auth::RefreshTokens none(settings);
  for (const auth::LogEvent& event : auth::ExpiryWatch().look(auth::expiries_of(settings, none), now)) {
    std::map<std::string_view, std::string> told;
    for (const auto& [name, value] : event.fields) {
      std::visit([&](const auto& one) { told[name] = fmt::format("{}", one); }, value);
    }
    const bool over = event.level == config::LogLevel::error;
    warnings.push_back(fmt::format("the {} of identity '{}' {}, on {}; {}", told["what"], told["identity"],
                                   over ? "has ended" : fmt::format("ends in {} days", told["days_left"]), told["on"],
                                   told["remedy"]));
  }
  return warnings;
}

std::vector<std::string> notes_on(const config::Settings& settings) {
  std::vector<std::string> notes;
  for (const auto& [name, identity] : settings.identities) {
    if (is_app_only(identity)) {
      notes.push_back(
          fmt::format("a token of identity '{}' opens every mailbox granted to its app, for an hour: give "
                      "mailboxes that must not share a fate app registrations of their own",
                      name));
    }
    if (identity.grant == config::Grant::password) {
      notes.push_back(
          fmt::format("identity '{}' signs in with a person's password: it fails for whom multi-factor "
                      "authentication is asked, keeps the password on this machine, and providers are "
                      "taking this grant away; grant = \"browser\" or \"device_code\" does without",
                      name));
    }
  }
  return notes;
}

}  // namespace saslift::proxy::commands
