#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/providers.h"
#include "config/sections.h"
#include "config/suggestions.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

const std::vector<std::string> endpoint_tables{"imap", "pop3", "smtp"};
constexpr std::string_view tenant_hole = "{tenant}";
constexpr std::array<std::string_view, 3> shared_tenants{"common", "organizations", "consumers"};
constexpr std::array<std::string_view, 9> grants_to_come{"authorization_code", "device_code",       "refresh_token",
                                                         "managed_identity",   "workload_identity", "certificate",
                                                         "jwt_bearer",         "password",          "delegated"};

using Providers = std::map<std::string, PlacedProvider>;

bool is_shared_tenant(std::string_view tenant) {
  return std::ranges::find(shared_tenants, folded(tenant)) != shared_tenants.end();
}

// Reads one [identity.NAME]; what is wrong with it is reported, and the rest still checked.
class IdentityReader {
 public:
  IdentityReader(const NamedTable& named, const Reading& reading, const Providers& providers)
      : reader_(named.table, named.at, fmt::format("[identity.{}]", named.name), reading.problems),
        directory_(reading.directory),
        providers_(providers) {
    identity_.name = named.name;
  }

  // nullopt: not even its provider is known.
  std::optional<Identity> read() {
    const bool provider_known = take_provider();
    lay_over(provider_, reader_, directory_);
    take_tenant();
    take_client_id();
    take_grant();
    const auto secret = take_secret();
    reader_.not_supported_yet("owner");
    reader_.finish();
    if (!provider_known) return std::nullopt;
    resolve_token_endpoint();
    check_scope();
    check_secret(secret);
    check_endpoints();
    identity_.provider = provider_.provider;
    return std::move(identity_);
  }

 private:
  bool take_provider() {
    const auto written = reader_.text("provider");
    if (!written && reader_.has("provider")) return false;
    const std::string name = written ? written->value : std::string(default_provider);
    const Position at = reader_.at("provider");
    if (const auto own = providers_.find(name); own != providers_.end()) {
      provider_ = own->second;
      return true;
    }
    if (const Preset* preset = find_preset(name)) {
      preset_ = preset;
      provider_.provider = preset->provider;
      if (preset->tokens_for == TokensFor::people_alone) {
        reader_.error(at, fmt::format("'{}' gives no token to an app alone (grant client_credentials): its mailboxes "
                                      "belong to people who sign in, which is not supported in this version",
                                      name));
        return false;
      }
      return true;
    }
    if (name == "exchange-dod") {
      reader_.error(at,
                    "no preset 'exchange-dod': its host names could not be verified; describe them in a table "
                    "[provider.NAME]");
      return false;
    }
    std::vector<std::string> known;
    for (const Preset& preset : presets()) known.push_back(preset.provider.name);
    for (const auto& [own_name, provider] : providers_) known.push_back(own_name);
    const std::string suggestion = did_you_mean(name, known);
    reader_.error(at, fmt::format("there is no provider {}{}", in_quotes(name),
                                  suggestion.empty() ? "; the presets are exchange-online, exchange-gcc-high, "
                                                       "exchange-china, outlook-com, gmail, yahoo, aol; others need a "
                                                       "table [provider.NAME]"
                                                     : suggestion));
    return false;
  }

  void take_tenant() {
    const auto tenant = reader_.text("tenant");
    if (!tenant) return;
    if (!is_host_name(tenant->value)) {
      reader_.error(tenant->at, fmt::format("{} is no tenant; it is the directory's domain or ID, such as "
                                            "contoso.onmicrosoft.com",
                                            in_quotes(tenant->value)));
      return;
    }
    // EXCHANGE 1.1
    if (is_shared_tenant(tenant->value)) {
      reader_.error(tenant->at, fmt::format("the tenant cannot be '{}' with client_credentials; name your own, such as "
                                            "contoso.onmicrosoft.com",
                                            tenant->value));
      return;
    }
    identity_.tenant = tenant->value;
  }

  void take_client_id() {
    const auto id = reader_.needed_text("client_id", "it is the app registration's Application (client) ID");
    if (!id) return;
    if (id->value.find(' ') != std::string::npos) reader_.error(id->at, "'client_id' has a space; take it out");
    identity_.client_id = id->value;
  }

  void take_grant() {
    const auto grant = reader_.text("grant");
    if (!grant || grant->value == "client_credentials") return;
    if (std::ranges::find(grants_to_come, grant->value) != grants_to_come.end()) {
      reader_.error(grant->at, fmt::format("grant '{}' is not supported in this version; the one that is: "
                                           "client_credentials",
                                           grant->value));
      return;
    }
    reader_.error(grant->at, fmt::format("there is no grant {}; the one in this version is client_credentials",
                                         in_quotes(grant->value)));
  }

  std::optional<Position> take_secret() {
    const auto written =
        reader_.needed_text("client_secret", "client_secret = \"file:NAME.secret\" names the file it is in");
    if (!written) return std::nullopt;
    auto secret = read_secret_key(reader_, *written, "client_secret", Stripping::trailing_newline, directory_);
    if (!secret) return std::nullopt;
    if (has_control_character(secret->bytes.reveal())) {
      reader_.error(written->at,
                    "'client_secret': the place it names holds several lines or control characters; it "
                    "should hold the secret alone");
      return std::nullopt;
    }
    identity_.client_secret = std::move(secret->bytes);
    return written->at;
  }

  void resolve_token_endpoint() {
    std::string& url = provider_.provider.token_endpoint;
    if (url.empty()) {
      reader_.error(reader_.at(), fmt::format("{} has no 'token_endpoint', nor has its provider; it reads "
                                              "https://host/path",
                                              reader_.name()));
      return;
    }
    if (const auto hole = url.find(tenant_hole); hole != std::string::npos) {
      if (!reader_.has("tenant")) {
        reader_.error(reader_.at(), fmt::format("{} has no 'tenant'; it is the directory's domain or ID, such as "
                                                "contoso.onmicrosoft.com",
                                                reader_.name()));
      }
      if (!identity_.tenant.empty()) url.replace(hole, tenant_hole.size(), identity_.tenant);
    } else if (reader_.has("tenant")) {
      reader_.problems().warning(reader_.at("tenant"), "'tenant' does nothing: 'token_endpoint' has no {tenant}");
    }
    std::string probe = url;
    if (const auto hole = probe.find(tenant_hole); hole != std::string::npos)
      probe.replace(hole, tenant_hole.size(), "x");
    const std::string host = host_of_https_url(probe).value_or("");
    at_entra_ = is_entra_host(host);
    if (at_entra_) {
      const std::string path = url.substr(url.find('/', std::string_view("https://").size()) + 1);
      if (is_shared_tenant(path.substr(0, path.find('/')))) {
        reader_.error(provider_.token_endpoint_at,
                      "'token_endpoint' names no tenant of its own, as client_credentials needs; put {tenant} there");
      }
    }
    warn_of_foreign_host(host);
  }

  void warn_of_foreign_host(const std::string& host) {
    if (preset_ == nullptr || !reader_.has("token_endpoint") || host.empty()) return;
    std::string usual = preset_->provider.token_endpoint;
    if (const auto hole = usual.find(tenant_hole); hole != std::string::npos)
      usual.replace(hole, tenant_hole.size(), "x");
    const std::string usual_host = host_of_https_url(usual).value_or("");
    if (host == usual_host) return;
    reader_.problems().warning(provider_.token_endpoint_at,
                               fmt::format("the client secret goes to {}, not to {}, which '{}' uses", host, usual_host,
                                           preset_->provider.name));
  }

  void check_scope() {
    const std::string& scope = provider_.provider.scope;
    const Position at = provider_.scope_at.line == 0 ? reader_.at() : provider_.scope_at;
    const std::string remedy = preset_ != nullptr ? preset_->provider.scope : "https://outlook.office365.com/.default";
    const std::string lower = folded(scope);
    // EXCHANGE 1.11: a token for Graph opens no mail protocol.
    if (lower.find("graph.microsoft.") != std::string::npos || lower.find("microsoftgraph.") != std::string::npos) {
      reader_.error(
          at, fmt::format("a 'scope' of Microsoft Graph opens no IMAP, POP3 or SMTP; use scope = \"{}\"", remedy));
      return;
    }
    if (!at_entra_) return;
    // EXCHANGE 1.11
    if (!lower.ends_with("/.default") || lower.find(' ') != std::string::npos) {
      reader_.error(
          at, fmt::format("with client_credentials 'scope' is one resource and '/.default': scope = \"{}\"", remedy));
    }
  }

  void check_secret(const std::optional<Position>& at) {
    // Elsewhere a GUID may well be a secret.
    if (!at || !at_entra_ || !is_guid(identity_.client_secret.reveal())) return;
    reader_.error(*at,
                  "'client_secret' is the Secret ID, not the secret; take the column 'Value' of the app "
                  "registration, shown once when the secret is made");
  }

  void check_endpoints() {
    const Provider& provider = provider_.provider;
    if (provider.imap || provider.pop3 || provider.smtp) return;
    reader_.error(reader_.at(), fmt::format("the provider of {} has no mail server; give it 'imap', 'pop3' or 'smtp'",
                                            reader_.name()));
  }

  TableReader reader_;
  const std::filesystem::path& directory_;
  const Providers& providers_;
  const Preset* preset_ = nullptr;
  PlacedProvider provider_;
  Identity identity_;
  bool at_entra_ = false;
};

}  // namespace

std::map<std::string, PlacedProvider> read_providers(const Reading& reading) {
  Providers providers;
  for (const NamedTable& named : named_tables(reading, "provider", endpoint_tables)) {
    if (find_preset(named.name) != nullptr) {
      reading.problems.error(named.at, fmt::format("'{}' is a preset; give your own provider another name, or override "
                                                   "single fields in the identity",
                                                   named.name));
    }
    PlacedProvider placed;
    placed.provider.name = named.name;
    placed.provider.smtp_extensions = default_smtp_extensions();
    TableReader reader(named.table, named.at, fmt::format("[provider.{}]", named.name), reading.problems);
    lay_over(placed, reader, reading.directory);
    reader.finish();
    providers.emplace(named.name, std::move(placed));
  }
  return providers;
}

Identities read_identities(const Reading& reading) {
  const Providers providers = read_providers(reading);
  Identities identities;
  for (const NamedTable& named : named_tables(reading, "identity", endpoint_tables)) {
    identities.declared.emplace(named.name, named.at);
    if (auto identity = IdentityReader(named, reading, providers).read()) {
      identities.usable.emplace(named.name, *std::move(identity));
    }
  }
  return identities;
}

}  // namespace saslift::config
