#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/identity_draft.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

constexpr std::array<std::string_view, 3> shared_tenants{"common", "organizations", "consumers"};
constexpr std::string_view https = "https://";

std::string with_hole_filled(std::string url, std::string_view filling) {
  if (const auto hole = url.find(tenant_hole); hole != std::string::npos)
    url.replace(hole, tenant_hole.size(), filling);
  return url;
}

std::string host_of(const std::string& url) { return host_of_https_url(with_hole_filled(url, "x")).value_or(""); }

void warn_of_foreign_host(IdentityDraft& draft, const std::string& host) {
  if (draft.preset == nullptr || !draft.reader.has("token_endpoint") || host.empty()) return;
  const std::string usual = host_of(draft.preset->provider.token_endpoint);
  if (host == usual) return;
  draft.reader.problems().warning(draft.provider.token_endpoint_at,
                                  fmt::format("the client secret goes to {}, not to {}, which '{}' uses", host, usual,
                                              draft.preset->provider.name));
}

// A pod is told its cloud by the platform (EXCHANGE 1.4). What the operator wrote wins.
void follow_authority_host(IdentityDraft& draft) {
  Provider& provider = draft.provider.provider;
  if (draft.identity.grant != Grant::federated || draft.provider.token_endpoint_at.line != 0 || !draft.preset) return;
  const auto authority = draft.reading.environment("AZURE_AUTHORITY_HOST");
  if (!authority) return;
  std::string base = *authority;
  while (base.ends_with('/')) base.pop_back();
  if (!host_of_https_url(base) || base.find('/', https.size()) != std::string::npos) {
    draft.error(draft.reader.at(),
                fmt::format("$AZURE_AUTHORITY_HOST is {}, but should read https://host", in_quotes(*authority)));
    return;
  }
  provider.token_endpoint = base + provider.token_endpoint.substr(provider.token_endpoint.find('/', https.size()));
}

void fill_tenant(IdentityDraft& draft) {
  Provider& provider = draft.provider.provider;
  if (provider.token_endpoint.find(tenant_hole) != std::string::npos) {
    // Of a federated identity it has been told, with the environment's name for it.
    const bool told = draft.reader.has("tenant") || draft.identity.grant == Grant::federated;
    if (!told && draft.identity.tenant.empty()) {
      draft.error(draft.reader.at(), fmt::format("{} has no 'tenant'; it is the directory's domain or ID, such as "
                                                 "contoso.onmicrosoft.com",
                                                 draft.reader.name()));
    }
  } else if (draft.reader.has("tenant")) {
    draft.reader.problems().warning(draft.reader.at("tenant"),
                                    "'tenant' does nothing: 'token_endpoint' has no {tenant}");
  }
  if (draft.identity.tenant.empty()) return;
  for (std::string* url :
       {&provider.token_endpoint, &provider.authorization_endpoint, &provider.device_authorization_endpoint})
    *url = with_hole_filled(*url, draft.identity.tenant);
}

void need(IdentityDraft& draft, const std::string& url, std::string_view key) {
  if (!url.empty()) return;
  draft.error(draft.reader.at(), fmt::format("{} has no '{}', nor has its provider; it reads https://host/path",
                                             draft.reader.name(), key));
}

}  // namespace

bool is_shared_tenant(std::string_view tenant) {
  return std::ranges::find(shared_tenants, folded(tenant)) != shared_tenants.end();
}

void settle_endpoints(IdentityDraft& draft) {
  Provider& provider = draft.provider.provider;
  const Grant grant = draft.identity.grant;
  if (grant == Grant::managed_identity || grant == Grant::command) return;
  follow_authority_host(draft);
  need(draft, provider.token_endpoint, "token_endpoint");
  if (provider.token_endpoint.empty()) return;
  if (grant == Grant::browser) need(draft, provider.authorization_endpoint, "authorization_endpoint");
  if (grant == Grant::device_code) {
    if (provider.device_authorization_endpoint.empty() && draft.preset != nullptr) {
      draft.error(draft.reader.at("grant"),
                  fmt::format("'{}' gives no token for mail by device code; use grant = \"browser\"", provider.name));
    } else {
      need(draft, provider.device_authorization_endpoint, "device_authorization_endpoint");
    }
  }
  fill_tenant(draft);
  const std::string host = host_of(provider.token_endpoint);
  draft.at_entra = is_entra_host(host);
  if (draft.at_entra && !is_delegated(draft.identity)) {
    const std::string path = provider.token_endpoint.substr(provider.token_endpoint.find('/', https.size()) + 1);
    // EXCHANGE 1.1
    if (is_shared_tenant(path.substr(0, path.find('/')))) {
      draft.error(draft.provider.token_endpoint_at,
                  fmt::format("'token_endpoint' names no tenant of its own, as {} needs; put {{tenant}} there",
                              name_of(grant)));
    }
  }
  warn_of_foreign_host(draft, host);
}

}  // namespace saslift::config
