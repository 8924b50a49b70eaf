// Which keys of [identity.NAME] do something for which grants. One that does nothing is a mistake of the operator's,
// and is told.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "config/identity_draft.h"

namespace saslift::config {
namespace {

struct KeyUse {
  std::string_view key;
  std::vector<Grant> grants;
};

const std::vector<KeyUse>& key_uses() {
  using enum Grant;
  static const std::vector<Grant> confidential{client_credentials, device_code, browser, refresh_token, password};
  static const std::vector<Grant> with_people{device_code, browser, refresh_token, password, command};
  static const std::vector<Grant> at_token_endpoint{client_credentials, device_code,     browser, refresh_token,
                                                    federated,          service_account, password};
  static const std::vector<KeyUse> uses{
      {"tenant", {client_credentials, device_code, browser, refresh_token, federated, password}},
      {"client_id", {client_credentials, device_code, browser, refresh_token, federated, managed_identity, password}},
      {"client_secret", confidential},
      {"client_secret_expires", confidential},
      {"certificate", confidential},
      {"certificate_password", confidential},
      {"certificate_key", confidential},
      {"assertion", confidential},
      {"refresh_token", {refresh_token}},
      {"assertion_file", {federated}},
      {"object_id", {managed_identity}},
      {"resource_id", {managed_identity}},
      {"service_account", {service_account}},
      {"password", {password}},
      {"command", {command}},
      {"command_timeout", {command}},
      {"owner", with_people},
      {"token_endpoint", at_token_endpoint},
      {"authorization_endpoint", {browser}},
      {"redirect_uri", {browser}},
      {"device_authorization_endpoint", {device_code}},
      {"scope",
       {client_credentials, device_code, browser, refresh_token, federated, managed_identity, service_account,
        password}},
  };
  return uses;
}

}  // namespace

void refuse_idle_keys(IdentityDraft& draft) {
  const Grant grant = draft.identity.grant;
  for (const KeyUse& use : key_uses()) {
    if (std::ranges::find(use.grants, grant) != use.grants.end()) continue;
    draft.reader.pass_over(use.key);
    if (!draft.reader.has(use.key)) continue;
    std::vector<std::string_view> names;
    for (const Grant one : use.grants) names.push_back(name_of(one));
    draft.error(draft.reader.at(use.key),
                fmt::format("'{}' does nothing with grant '{}'; take it out (it belongs to: {})", use.key,
                            name_of(grant), fmt::join(names, ", ")));
  }
}

}  // namespace saslift::config
