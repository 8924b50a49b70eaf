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

std::string_view name_of(ListenerTls tls) {
  switch (tls) {
    case ListenerTls::off:
      return "off";
    case ListenerTls::starttls:
      return "starttls";
    case ListenerTls::implicit:
      return "implicit";
    case ListenerTls::automatic:
      return "auto";
  }
  return "off";
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

namespace {

bool same(const Secret& one, const Secret& other) { return one.reveal() == other.reveal(); }

bool same(const std::optional<SigningKey>& one, const std::optional<SigningKey>& other) {
  if (!one || !other) return !one && !other;
  return same(one->pem, other->pem) && one->key_store == other->key_store &&
         one->certificate_der == other->certificate_der && one->algorithm == other->algorithm;
}

bool same(const ManagedIdentity& one, const ManagedIdentity& other) {
  return one.form == other.form && one.url == other.url && same(one.header, other.header) &&
         one.client_id == other.client_id && one.object_id == other.object_id && one.resource_id == other.resource_id;
}

bool same(const TokenCommand& one, const TokenCommand& other) {
  return one.words == other.words && one.environment == other.environment;
}

bool same_endpoint(const Provider& one, const Provider& other) {
  return one.token_endpoint == other.token_endpoint && one.scope == other.scope && one.ca_file == other.ca_file;
}

}  // namespace

bool gets_same_tokens(const Identity& one, const Identity& other) {
  return one.tenant == other.tenant && one.client_id == other.client_id && one.grant == other.grant &&
         one.owner == other.owner && one.assertion_file == other.assertion_file &&
         same(one.client_secret, other.client_secret) && same(one.refresh_token, other.refresh_token) &&
         same(one.password, other.password) && same(one.signing_key, other.signing_key) &&
         same(one.managed_identity, other.managed_identity) && same(one.command, other.command) &&
         same_endpoint(one.provider, other.provider);
}

}  // namespace saslift::config
