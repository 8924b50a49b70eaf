// Identities that the platform gives to what runs on it: no secret of their own (EXCHANGE 1.4, 1.10).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/identity_draft.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

constexpr std::string_view imds_url = "http://169.254.169.254/metadata/identity/oauth2/token";

// "http://host[:port]/path" on this host or its link: what travels there travels in clear.
bool is_local_http_url(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return false;
  // The same form, but for the scheme.
  const auto host = host_of_https_url("https://" + std::string(url.substr(scheme.size())));
  if (!host) return false;
  if (*host == "localhost") return true;
  std::string bare = *host;
  if (bare.starts_with('[')) bare = bare.substr(1, bare.size() - 2);
  const auto address = IpAddress::parse(bare);
  static constexpr std::array<std::string_view, 4> near_networks{"127.0.0.0/8", "169.254.0.0/16", "::1/128",
                                                                 "fe80::/10"};
  return address && std::ranges::any_of(near_networks, [&](std::string_view network) {
           return Network::parse(network)->contains(*address);
         });
}

void take_default(IdentityDraft& draft, std::string& field, const std::string& variable, std::string_view key,
                  std::string_view what) {
  if (!field.empty() || draft.reader.has(key)) return;
  if (auto value = draft.reading.environment(variable); value && !has_control_character(*value)) {
    field = *std::move(value);
    return;
  }
  draft.error(draft.reader.at(), fmt::format("{} has no '{}', nor has the environment {}; it is {}",
                                             draft.reader.name(), key, variable, what));
}

}  // namespace

void take_federated(IdentityDraft& draft) {
  Identity& identity = draft.identity;
  if (const auto file = draft.reader.text("assertion_file")) {
    identity.assertion_file = (draft.reading.directory / file->value).lexically_normal().string();
  }
  take_default(draft, identity.assertion_file, "AZURE_FEDERATED_TOKEN_FILE", "assertion_file",
               "the file that the platform keeps a token in");
  take_default(draft, identity.client_id, "AZURE_CLIENT_ID", "client_id",
               "the app registration's Application (client) ID");
  const bool needs_tenant = draft.provider.provider.token_endpoint.find(tenant_hole) != std::string::npos;
  if (needs_tenant) {
    take_default(draft, identity.tenant, "AZURE_TENANT_ID", "tenant",
                 "the directory's domain or ID, such as contoso.onmicrosoft.com");
    if (!identity.tenant.empty() && !is_host_name(identity.tenant)) {
      draft.error(draft.reader.at(),
                  fmt::format("$AZURE_TENANT_ID is {}, which is no tenant", in_quotes(identity.tenant)));
      identity.tenant.clear();
    }
  }
}

void take_managed_identity(IdentityDraft& draft) {
  ManagedIdentity& managed = draft.identity.managed_identity;
  managed.client_id = draft.identity.client_id;
  if (const auto id = draft.reader.text("object_id")) managed.object_id = id->value;
  if (const auto id = draft.reader.text("resource_id")) managed.resource_id = id->value;
  const auto selectors = static_cast<int>(!managed.client_id.empty()) + static_cast<int>(!managed.object_id.empty()) +
                         static_cast<int>(!managed.resource_id.empty());
  if (selectors > 1) {
    draft.error(draft.reader.at(), fmt::format("{} names its identity twice; one of 'client_id', 'object_id', "
                                               "'resource_id' is enough",
                                               draft.reader.name()));
  }
  managed.url = imds_url;
  const auto endpoint = draft.reading.environment("IDENTITY_ENDPOINT");
  auto header = draft.reading.environment("IDENTITY_HEADER");
  if (!endpoint || !header) return;
  managed.form = ManagedIdentity::Form::app_service;
  managed.url = *endpoint;
  managed.header = Secret::guarded(*header);
  const bool fit = !has_control_character(*header);
  wipe(*header);
  if (!fit) draft.error(draft.reader.at(), "$IDENTITY_HEADER has a control character");
  // With IDENTITY_HEADER comes the App Service form; Azure Arc's, which is alone without it, is another.
  if (!is_local_http_url(*endpoint)) {
    draft.error(draft.reader.at(), fmt::format("$IDENTITY_ENDPOINT is {}, but should be an http:// address of this "
                                               "very host, as the platform sets it",
                                               in_quotes(*endpoint)));
  }
}

}  // namespace saslift::config
