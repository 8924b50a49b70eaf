#include "proxy/commands/sign_in_words.h"

#include <fmt/format.h>

#include <string_view>

#include "auth/remedies.h"

namespace saslift::proxy::commands {
namespace {

std::string row(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : fmt::format("  {:<9} {}\n", name, value);
}

// FAULTS 50: a code or address that somebody else sent is how accounts are stolen.
std::string opening(const config::Identity& identity) {
  return fmt::format(
      "Sign-in for identity '{}'. Go on only if you started this yourself: whoever signs in gives\n"
      "this saslift access to the mail that the scopes below name, until it is revoked.\n\n",
      identity.name);
}

std::string facts(const config::Identity& identity) {
  return row("sign in", identity.owner.empty() ? "" : "as " + identity.owner) + row("tenant", identity.tenant) +
         row("app", identity.client_id) + row("scopes", identity.provider.scope);
}

}  // namespace

std::string device_prompt(const config::Identity& identity, const auth::DeviceAuthorization& shown) {
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(shown.life).count();
  return opening(identity) + row("address", shown.verification_uri) + row("code", shown.user_code) +
         row("or open", shown.verification_uri_complete) + facts(identity) +
         fmt::format("\nEnter the code at the address within {} minute{}; this command waits.\n", minutes,
                     minutes == 1 ? "" : "s");
}

std::string browser_prompt(const config::Identity& identity, const auth::Authorization& authorization,
                           BrowserIs browser) {
  const std::string start = opening(identity) + facts(identity);
  if (browser == BrowserIs::here) {
    return fmt::format(
        "{}\nOpen this address in a browser on this machine within 5 minutes; this command waits:\n\n{}\n\n", start,
        authorization.url());
  }
  return fmt::format(
      "{}\nOpen this address in any browser within 5 minutes, and sign in:\n\n{}\n\n"
      "The browser ends at an address that begins with {}, and may say that it cannot connect.\n"
      "Copy that whole address, paste it here and press Enter:\n",
      start, authorization.url(), authorization.redirect_uri());
}

std::string failure_words(const config::Identity& identity, const auth::TokenError& error) {
  std::string words = fmt::format("sign-in for identity '{}' failed: {}", identity.name, error.error);
  if (!error.description.empty()) words += fmt::format(": {}", error.description);
  words += "\n";
  if (const auto remedy = auth::remedy_for(error))
    words += row("cause", remedy->cause) + row("next", remedy->next_step);
  return words + row("trace", error.trace_id) + row("request", error.correlation_id);
}

}  // namespace saslift::proxy::commands
