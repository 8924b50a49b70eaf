// Settings built in code: two identities of different tenants and a handful of accounts.
#pragma once

#include "auth/clock.h"
#include "config/settings.h"

namespace saslift::tests {

inline auth::Instant start() { return auth::Instant(std::chrono::hours(1000)); }

inline config::Identity make_identity(const std::string& name) {
  config::Identity identity;
  identity.name = name;
  identity.tenant = name + ".example";
  identity.client_id = "client-" + name;
  identity.client_secret = config::Secret("canary+secret/" + name);
  identity.provider.name = "exchange-online";
  identity.provider.token_endpoint = "https://login.example/" + name + "/token";
  identity.provider.scope = "https://outlook.example/.default";
  identity.provider.imap = config::Endpoint{"imap.example", 993, config::UpstreamTls::implicit};
  identity.provider.smtp = config::Endpoint{"smtp.example", 587, config::UpstreamTls::starttls};
  return identity;
}

inline config::Account make_account(const std::string& name, const std::string& login) {
  config::Account account;
  account.name = name;
  account.logins = {login};
  account.password_hash = "$argon2id$hash-of-" + name;
  account.identity = "office";
  account.mailbox = name + "@contoso.com";
  account.protocols = {config::Protocol::imap, config::Protocol::pop3, config::Protocol::smtp};
  return account;
}

inline config::Settings make_settings() {
  config::Settings settings;
  settings.service.connections = 10'000;  // crowds that are about something else read one mailbox
  settings.identities.emplace("office", make_identity("office"));
  settings.identities.emplace("plant", make_identity("plant"));
  settings.identities.at("plant").provider.ca_file = "/plant.pem";
  settings.identities.at("plant").provider.imap->host = "127.0.0.9";

  config::Account reception = make_account("reception", "Scanner");
  reception.logins.emplace_back("scans@contoso.com");
  reception.logins.emplace_back("DOMAIN\\scanner");
  settings.accounts.emplace("reception", std::move(reception));

  settings.accounts.emplace("second", make_account("second", "second"));

  config::Account everyone = make_account("everyone", "*@Contoso.com");
  everyone.mailbox.clear();
  everyone.protocols = {config::Protocol::smtp};
  settings.accounts.emplace("everyone", std::move(everyone));

  config::Account walled = make_account("walled", "walled");
  walled.allow = {config::Network::parse("192.168.10.0/24").value(), config::Network::parse("2001:db8::/32").value()};
  settings.accounts.emplace("walled", std::move(walled));

  config::Account machine = make_account("machine", "machine");
  machine.identity = "plant";
  settings.accounts.emplace("machine", std::move(machine));
  return settings;
}

}  // namespace saslift::tests
