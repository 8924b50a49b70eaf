#include "auth/grants/client_request.h"

namespace saslift::auth {

TokenRequest client_request(const config::Identity& identity, const config::Service& service, const std::string& url,
                            std::vector<FormField> fields) {
  fields.push_back({.name = "client_id", .value = identity.client_id});
  if (!identity.client_secret.empty()) {
    fields.push_back({.name = "client_secret", .value = identity.client_secret.reveal()});
  }
  return {.url = url,
          .body = encode_form(fields),
          .ca_file = identity.provider.ca_file,
          .service_ca_file = service.ca_file};
}

}  // namespace saslift::auth
