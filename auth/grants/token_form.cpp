#include "auth/grants/token_form.h"

#include <vector>

#include "auth/grants/jwt.h"
#include "config/text_forms.h"

namespace saslift::auth {
namespace {

constexpr std::string_view jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

}  // namespace

TokenRequest token_form(const config::Identity& identity, std::span<const FormField> fields,
                        std::chrono::system_clock::time_point now) {
  std::vector<FormField> form{{.name = "client_id", .value = identity.client_id}};
  form.insert(form.end(), fields.begin(), fields.end());
  TokenRequest request;
  request.url = identity.provider.token_endpoint;
  if (!identity.client_secret.empty()) {
    form.push_back({.name = "client_secret", .value = identity.client_secret.reveal()});
  } else if (identity.signing_key) {
    form.push_back({.name = "client_assertion_type", .value = jwt_bearer});
    const AssertionClaims claims{
        .issuer = identity.client_id, .subject = identity.client_id, .audience = request.url, .scope = {}};
    request.assertion =
        Assertion{.field = "client_assertion",
                  .source = AssertionToSign{.signing_input = jwt_signing_input(*identity.signing_key, claims, now),
                                            .algorithm = identity.signing_key->algorithm,
                                            .key_pem = identity.signing_key->pem.copy(),
                                            .key_store = identity.signing_key->key_store}};
  }
  request.body = encode_form(form);
  return request;
}

void route(TokenRequest& request, const config::Identity& identity, const config::Service& service) {
  request.ca_file = identity.provider.ca_file;
  request.service_ca_file = service.ca_file;
  const auto host = config::host_of_https_url(request.url);
  if (!host) return;
  if (const config::HttpProxy* proxy = service.outbound_proxy.for_host(*host)) request.http_proxy = proxy->copy();
}

}  // namespace saslift::auth
