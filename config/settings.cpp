#include "config/settings.h"

namespace saslift::config {

std::string_view name_of(Grant grant) {
  switch (grant) {
    case Grant::client_credentials:
      return "client_credentials";
    case Grant::device_code:
      return "device_code";
    case Grant::browser:
      return "browser";
    case Grant::refresh_token:
      return "refresh_token";
    case Grant::federated:
      return "federated";
    case Grant::managed_identity:
      return "managed_identity";
    case Grant::service_account:
      return "service_account";
    case Grant::password:
      return "password";
    case Grant::command:
      return "command";
  }
  return "unknown";
}

bool lives_on_refresh_token(Grant grant) {
  return grant == Grant::device_code || grant == Grant::browser || grant == Grant::refresh_token;
}

bool acts_for_one_mailbox(Grant grant) { return grant == Grant::service_account; }

bool is_delegated(const Identity& identity) {
  if (identity.grant == Grant::command) return !identity.owner.empty();
  return lives_on_refresh_token(identity.grant) || identity.grant == Grant::password;
}

std::string_view name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::imap:
      return "imap";
    case Protocol::pop3:
      return "pop3";
    case Protocol::smtp:
      return "smtp";
  }
  return "?";
}

const std::optional<Endpoint>& Provider::endpoint(Protocol protocol) const {
  switch (protocol) {
    case Protocol::imap:
      return imap;
    case Protocol::pop3:
      return pop3;
    case Protocol::smtp:
      break;
  }
  return smtp;
}

}  // namespace saslift::config
