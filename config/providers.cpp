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
};

// EXCHANGE 1.12
Preset exchange(const Cloud& cloud) {
  Provider provider;
  provider.name = cloud.name;
  provider.imap = implicit_tls(cloud.mail_host, 993);
  provider.pop3 = implicit_tls(cloud.mail_host, 995);
  provider.smtp = starttls(cloud.smtp_host, 587);
  provider.token_endpoint = "https://" + cloud.login_host + "/{tenant}/oauth2/v2.0/token";
  provider.scope = "https://" + cloud.mail_host + "/.default";
  provider.smtp_extensions = exchange_extensions();
  return {std::move(provider), TokensFor::apps_and_people};
}

// EXCHANGE 1.13
Preset outlook_com() {
  Provider provider;
  provider.name = "outlook-com";
  provider.imap = implicit_tls("outlook.office365.com", 993);
  provider.pop3 = implicit_tls("outlook.office365.com", 995);
  provider.smtp = starttls("smtp-mail.outlook.com", 587);
  provider.token_endpoint = "https://login.microsoftonline.com/consumers/oauth2/v2.0/token";
  provider.scope =
      "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All "
      "https://outlook.office.com/SMTP.Send offline_access";
  provider.smtp_extensions = exchange_extensions();
  return {std::move(provider), TokensFor::people_alone};
}

Preset gmail() {
  Provider provider;
  provider.name = "gmail";
  provider.imap = implicit_tls("imap.gmail.com", 993);
  provider.pop3 = implicit_tls("pop.gmail.com", 995);
  provider.smtp = starttls("smtp.gmail.com", 587);
  provider.token_endpoint = "https://oauth2.googleapis.com/token";
  provider.scope = "https://mail.google.com/";
  provider.smtp_extensions = {{"SIZE 35882577", "8BITMIME", "ENHANCEDSTATUSCODES"}};
  return {std::move(provider), TokensFor::people_alone};
}

// Yahoo writes "8 BITMIME", which promises nothing.
struct YahooLike {
  std::string name;
  std::string mail_domain;
  std::string login_host;
};

Preset yahoo_like(YahooLike one) {
  Provider provider;
  provider.name = std::move(one.name);
  provider.imap = implicit_tls("imap." + one.mail_domain, 993);
  provider.pop3 = implicit_tls("pop." + one.mail_domain, 995);
  provider.smtp = implicit_tls("smtp." + one.mail_domain, 465);
  provider.token_endpoint = "https://" + one.login_host + "/oauth2/get_token";
  provider.scope = "mail-w";
  provider.smtp_extensions = {{"PIPELINING", "SIZE 41697280"}};
  return {std::move(provider), TokensFor::people_alone};
}

std::vector<Preset> make_presets() {
  std::vector<Preset> all;
  all.push_back(exchange({.name = std::string(default_provider),
                          .login_host = "login.microsoftonline.com",
                          .mail_host = "outlook.office365.com",
                          .smtp_host = "smtp.office365.com"}));
  all.push_back(exchange({.name = "exchange-gcc-high",
                          .login_host = "login.microsoftonline.us",
                          .mail_host = "outlook.office365.us",
                          .smtp_host = "smtp.office365.us"}));
  all.push_back(exchange({.name = "exchange-china",
                          .login_host = "login.partner.microsoftonline.cn",
                          .mail_host = "partner.outlook.cn",
                          .smtp_host = "smtp.partner.outlook.cn"}));
  all.push_back(outlook_com());
  all.push_back(gmail());
  all.push_back(yahoo_like({.name = "yahoo", .mail_domain = "mail.yahoo.com", .login_host = "api.login.yahoo.com"}));
  all.push_back(yahoo_like({.name = "aol", .mail_domain = "aol.com", .login_host = "api.login.aol.com"}));
  return all;
}

}  // namespace

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
