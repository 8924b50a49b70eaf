// The platform's own endpoint, on this host: IMDS of a virtual machine, or the App Service form; EXCHANGE 1.10.
#include "auth/grants/form.h"
#include "auth/grants/requests.h"

namespace saslift::auth {
namespace {

struct Selector {
  std::string_view imds;
  std::string_view app_service;
  const std::string& value;
};

std::string resource_of(std::string_view scope) {
  constexpr std::string_view everything = "/.default";
  if (scope.ends_with(everything)) scope.remove_suffix(everything.size());
  return std::string(scope);
}

std::string parameter(std::string_view name, std::string_view value) {
  return "&" + std::string(name) + "=" + std::string(url_encoded(value).reveal());
}

}  // namespace

TokenRequest managed_identity_request(const config::Identity& identity) {
  const config::ManagedIdentity& managed = identity.managed_identity;
  const bool imds = managed.form == config::ManagedIdentity::Form::imds;
  TokenRequest request;
  request.method = HttpMethod::get;
  request.url = managed.url + "?api-version=" + (imds ? "2018-02-01" : "2019-08-01") +
                parameter("resource", resource_of(identity.provider.scope));
  for (const Selector& selector :
       {Selector{"client_id", "client_id", managed.client_id}, Selector{"object_id", "principal_id", managed.object_id},
        Selector{"msi_res_id", "mi_res_id", managed.resource_id}}) {
    if (!selector.value.empty()) request.url += parameter(imds ? selector.imds : selector.app_service, selector.value);
  }
  if (imds) {
    request.headers.push_back({.name = "Metadata", .value = config::Secret("true")});
  } else {
    request.headers.push_back({.name = "X-IDENTITY-HEADER", .value = managed.header.copy()});
  }
  return request;
}

}  // namespace saslift::auth
