#include "config/provider_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/network.h"
#include "config/sections.h"
#include "config/suggestions.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

constexpr Word<UpstreamTls> upstream_tls_words[] = {{"implicit", UpstreamTls::implicit},
                                                    {"starttls", UpstreamTls::starttls}};
constexpr Word<Mechanism> mechanism_words[] = {{"xoauth2", Mechanism::xoauth2},
                                               {"oauthbearer", Mechanism::oauthbearer}};

std::optional<Endpoint>& endpoint_of(Provider& provider, Protocol protocol) {
  switch (protocol) {
    case Protocol::imap:
      return provider.imap;
    case Protocol::pop3:
      return provider.pop3;
    case Protocol::smtp:
      break;
  }
  return provider.smtp;
}

void lay_endpoint_over(std::optional<Endpoint>& below, Protocol protocol, TableReader& parent) {
  const Entry* entry = parent.table(name_of(protocol));
  if (entry == nullptr) return;
  TableReader reader(std::get<Table>(entry->value.what), entry->at,
                     fmt::format("'{}' of {}", name_of(protocol), parent.name()), parent.problems());
  const auto host = reader.text("host");
  const auto port = reader.integer("port", {1, 65535});
  const auto tls = reader.choice("tls", upstream_tls_words);
  reader.finish();
  if (host && !is_host_name(host->value) && !IpAddress::parse(host->value)) {
    reader.error(host->at, fmt::format("{} is no host name; 'host' is the bare name, the port stands in 'port'",
                                       in_quotes(host->value)));
  }
  const bool complete = reader.has("host") && reader.has("port") && reader.has("tls");
  if (!below && !complete) {
    reader.error(entry->at,
                 fmt::format("'{0}' needs all three: {0} = {{ host = \"...\", port = ..., tls = \"implicit\" }}",
                             name_of(protocol)));
    return;
  }
  Endpoint endpoint = below.value_or(Endpoint{});
  if (host) endpoint.host = host->value;
  if (port) endpoint.port = static_cast<std::uint16_t>(port->value);
  if (tls) endpoint.tls = tls->value;
  below = std::move(endpoint);
}

// nullopt: not written, or no URL to send a secret or a person to (FAULTS 47).
std::optional<Placed<std::string>> take_endpoint_url(std::string_view key, TableReader& reader) {
  auto url = reader.text(key);
  if (!url) return std::nullopt;
  if (folded(url->value).starts_with("http://")) {
    reader.error(url->at, fmt::format("'{}' must be https: {}", key,
                                      key == "token_endpoint" ? "the client secret travels to it"
                                                              : "what comes back from it opens mailboxes"));
    return std::nullopt;
  }
  std::string probe = url->value;
  if (const auto hole = probe.find("{tenant}"); hole != std::string::npos) probe.replace(hole, 8, "tenant");
  if (!host_of_https_url(probe)) {
    reader.error(url->at, fmt::format("{} is no usable '{}'; it reads https://host/path, without user name, "
                                      "'?' or '#'; {{tenant}} may stand in it once",
                                      in_quotes(url->value), key));
    return std::nullopt;
  }
  return url;
}

void lay_endpoint_urls_over(PlacedProvider& provider, TableReader& reader) {
  if (auto url = take_endpoint_url("token_endpoint", reader)) {
    provider.provider.token_endpoint = std::move(url->value);
    provider.token_endpoint_at = url->at;
  }
  if (auto url = take_endpoint_url("authorization_endpoint", reader))
    provider.provider.authorization_endpoint = std::move(url->value);
  if (auto url = take_endpoint_url("device_authorization_endpoint", reader))
    provider.provider.device_authorization_endpoint = std::move(url->value);
}

void lay_scope_over(PlacedProvider& provider, TableReader& reader) {
  const auto scope = reader.text("scope");
  if (!scope) return;
  // RFC 6749 3.3
  const bool allowed =
      std::ranges::all_of(scope->value, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (!allowed) {
    reader.error(scope->at, "'scope' takes only printable ASCII without '\"' and '\\'");
    return;
  }
  provider.provider.scope = scope->value;
  provider.scope_at = scope->at;
}

bool is_size(std::string_view upper) {
  if (upper == "SIZE") return true;
  if (!upper.starts_with("SIZE ") || upper.size() < 6 || upper.size() > 25) return false;
  return std::ranges::all_of(upper.substr(5), [](char c) { return c >= '0' && c <= '9'; });
}

void lay_smtp_extensions_over(Provider& provider, TableReader& reader) {
  const auto written = reader.texts("smtp_extensions");
  if (!written) return;
  static const std::vector<std::string> known{"PIPELINING", "SIZE", "8BITMIME",
                                              "SMTPUTF8",   "DSN",  "ENHANCEDSTATUSCODES"};
  SmtpExtensions extensions;
  std::vector<std::string> seen;
  for (const Placed<std::string>& line : *written) {
    std::string upper = line.value;
    for (char& c : upper) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    const std::string keyword = upper.substr(0, upper.find(' '));
    if (!is_size(upper) &&
        (upper != keyword || keyword == "SIZE" || std::ranges::find(known, keyword) == known.end())) {
      reader.error(line.at,
                   fmt::format("'smtp_extensions' cannot list {}; it lists of PIPELINING, SIZE <bytes>, 8BITMIME, "
                               "SMTPUTF8, DSN, ENHANCEDSTATUSCODES{}",
                               in_quotes(line.value), did_you_mean(line.value, known)));
      continue;
    }
    if (std::ranges::find(seen, keyword) != seen.end()) {
      reader.error(line.at, fmt::format("'smtp_extensions' lists {} twice; take one out", keyword));
      continue;
    }
    seen.push_back(keyword);
    extensions.lines.push_back(std::move(upper));
  }
  provider.smtp_extensions = std::move(extensions);
}

}  // namespace

void lay_over(PlacedProvider& provider, TableReader& reader, const std::filesystem::path& directory) {
  for (const Protocol protocol : all_protocols) {
    lay_endpoint_over(endpoint_of(provider.provider, protocol), protocol, reader);
  }
  lay_endpoint_urls_over(provider, reader);
  lay_scope_over(provider, reader);
  if (const auto mechanism = reader.choice("mechanism", mechanism_words))
    provider.provider.mechanism = mechanism->value;
  if (auto ca_file = read_ca_file(reader, directory)) provider.provider.ca_file = *std::move(ca_file);
  lay_smtp_extensions_over(provider.provider, reader);
}

}  // namespace saslift::config
