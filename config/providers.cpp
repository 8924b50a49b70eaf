#include "config/providers.h"

#include <algorithm>
#include <array>

namespace saslift::config {
namespace {

Endpoint implicit_tls(std::string host, std::uint16_t port) { return {std::move(host), port, UpstreamTls::implicit}; }
Endpoint starttls(std::string host, std::uint16_t port) { return {std::move(host), port, UpstreamTls::starttls}; }

// Exchange: CHUNKING and BINARYMIME are listed too and left out (EXCHANGE 2.4): BDAT is not for old clients.
SmtpExtensions exchange_extensions() {
  return {{"SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"}};
}

struct Cloud {
  std::string name;
  std::string login_host;
  std::string mail_host;
  std::string smtp_host;
  std::string app_resource;
  std::string delegated_resource;
  std::vector<std::string_view> unverified;
};

// EXCHANGE 1.11: one resource, so that one token opens all three protocols.
std::string delegated_scope_at(const std::string& resource) {
  return resource + "/IMAP.AccessAsUser.All " + resource + "/POP.AccessAsUser.All " + resource +
         "/SMTP.Send offline_access";
}

// EXCHANGE 1.1, 1.12
Preset exchange(Cloud cloud) {
  Preset preset;
  Provider& provider = preset.provider;
  provider.name = cloud.name;
  provider.imap = implicit_tls(cloud.mail_host, 993);
  provider.pop3 = implicit_tls(cloud.mail_host, 995);
  provider.smtp = starttls(cloud.smtp_host, 587);
  const std::string endpoints = "https://" + cloud.login_host + "/{tenant}/oauth2/v2.0/";
  provider.token_endpoint = endpoints + "token";
  provider.authorization_endpoint = endpoints + "authorize";
  provider.device_authorization_endpoint = endpoints + "devicecode";
  provider.scope = cloud.app_resource + "/.default";
  provider.smtp_extensions = exchange_extensions();
  preset.delegated_scope = delegated_scope_at(cloud.delegated_resource);
  preset.unverified = std::move(cloud.unverified);
  return preset;
}

// EXCHANGE 1.13
Preset outlook_com() {
  Preset preset;
  Provider& provider = preset.provider;
  provider.name = "outlook-com";
  provider.imap = implicit_tls("outlook.office365.com", 993);
  provider.pop3 = implicit_tls("outlook.office365.com", 995);
  provider.smtp = starttls("smtp-mail.outlook.com", 587);
  const std::string endpoints = "https://login.microsoftonline.com/consumers/oauth2/v2.0/";
  provider.token_endpoint = endpoints + "token";
  provider.authorization_endpoint = endpoints + "authorize";
  provider.device_authorization_endpoint = endpoints + "devicecode";
  provider.smtp_extensions = exchange_extensions();
  preset.delegated_scope = delegated_scope_at("https://outlook.office.com");
  preset.tokens_for = TokensFor::people_alone;
  return preset;
}

// Its device flow gives no token for mail (EXCHANGE 1.5), so it has no such endpoint here.
Preset gmail() {
  Preset preset;
  Provider& provider = preset.provider;
  provider.name = "gmail";
  provider.imap = implicit_tls("imap.gmail.com", 993);
  provider.pop3 = implicit_tls("pop.gmail.com", 995);
  provider.smtp = starttls("smtp.gmail.com", 587);
  provider.token_endpoint = "https://oauth2.googleapis.com/token";
  provider.authorization_endpoint = "https://accounts.google.com/o/oauth2/v2/auth";
  provider.scope = "https://mail.google.com/";
  provider.smtp_extensions = {{"SIZE 35882577", "8BITMIME", "ENHANCEDSTATUSCODES"}};
  preset.delegated_scope = provider.scope;
  preset.tokens_for = TokensFor::people_and_their_apps;
  return preset;
}

struct YahooLike {
  std::string name;
  std::string mail_domain;
  std::string login_host;
  std::vector<std::string_view> unverified;
};

// Yahoo writes "8 BITMIME", which promises nothing.
Preset yahoo_like(YahooLike one) {
  Preset preset;
  Provider& provider = preset.provider;
  provider.name = std::move(one.name);
  provider.imap = implicit_tls("imap." + one.mail_domain, 993);
  provider.pop3 = implicit_tls("pop." + one.mail_domain, 995);
  provider.smtp = implicit_tls("smtp." + one.mail_domain, 465);
  provider.token_endpoint = "https://" + one.login_host + "/oauth2/get_token";
  provider.authorization_endpoint = "https://" + one.login_host + "/oauth2/request_auth";
  provider.smtp_extensions = {{"PIPELINING", "SIZE 41697280"}};
  preset.delegated_scope = "mail-w";
  preset.tokens_for = TokensFor::people_alone;
  preset.unverified = std::move(one.unverified);
  return preset;
}

std::vector<Preset> make_presets() {
  std::vector<Preset> all;
  all.push_back(exchange({.name = std::string(default_provider),
                          .login_host = "login.microsoftonline.com",
                          .mail_host = "outlook.office365.com",
                          .smtp_host = "smtp.office365.com",
                          .app_resource = "https://outlook.office365.com",
                          .delegated_resource = "https://outlook.office.com",
                          .unverified = {}}));
  all.push_back(exchange({.name = "exchange-gcc-high",
                          .login_host = "login.microsoftonline.us",
                          .mail_host = "outlook.office365.us",
                          .smtp_host = "smtp.office365.us",
                          .app_resource = "https://outlook.office365.us",
                          .delegated_resource = "https://outlook.office365.us",
                          .unverified = {"delegated_scope"}}));
  all.push_back(exchange({.name = "exchange-dod",
                          .login_host = "login.microsoftonline.us",
                          .mail_host = "outlook-dod.office365.us",
                          .smtp_host = "outlook-dod.office365.us",
                          .app_resource = "https://outlook.office365.us",
                          .delegated_resource = "https://outlook.office365.us",
                          .unverified = {"imap", "pop3", "smtp", "scope", "delegated_scope"}}));
  all.push_back(exchange({.name = "exchange-china",
                          .login_host = "login.partner.microsoftonline.cn",
                          .mail_host = "partner.outlook.cn",
                          .smtp_host = "smtp.partner.outlook.cn",
                          .app_resource = "https://partner.outlook.cn",
                          .delegated_resource = "https://partner.outlook.cn",
                          .unverified = {"delegated_scope"}}));
  all.push_back(outlook_com());
  all.push_back(gmail());
  all.push_back(yahoo_like(
      {.name = "yahoo", .mail_domain = "mail.yahoo.com", .login_host = "api.login.yahoo.com", .unverified = {"pop3"}}));
  all.push_back(yahoo_like({.name = "aol",
                            .mail_domain = "aol.com",
                            .login_host = "api.login.aol.com",
                            .unverified = {"imap", "pop3", "smtp"}}));
  return all;
}

}  // namespace

bool Preset::serves(Grant grant) const {
  switch (grant) {
    case Grant::client_credentials:
    case Grant::federated:
    case Grant::managed_identity:
      return tokens_for == TokensFor::apps_and_people;
    case Grant::service_account:
      return tokens_for == TokensFor::people_and_their_apps;
    default:
      return true;
  }
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = make_presets();
  return all;
}

const Preset* find_preset(std::string_view name) {
  const auto found = std::ranges::find(presets(), name, [](const Preset& preset) { return preset.provider.name; });
  return found == presets().end() ? nullptr : &*found;
}

const SmtpExtensions& default_smtp_extensions() {
  static const SmtpExtensions extensions{{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"}};
  return extensions;
}

bool is_entra_host(std::string_view host) {
  constexpr std::array<std::string_view, 4> domains{"microsoftonline.com", "microsoftonline.us", "microsoftonline.cn",
                                                    "login.windows.net"};
  return std::ranges::any_of(domains, [&](std::string_view domain) {
    if (!host.ends_with(domain)) return false;
    return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
  });
}

}  // namespace saslift::config
