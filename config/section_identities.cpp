#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "config/identity_draft.h"
#include "config/suggestions.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

const std::vector<std::string> endpoint_tables{"imap", "pop3", "smtp"};

constexpr std::array all_grants{Grant::client_credentials, Grant::device_code, Grant::browser,
                                Grant::refresh_token,      Grant::federated,   Grant::managed_identity,
                                Grant::service_account,    Grant::password,    Grant::command};

struct OtherWord {
  std::string_view word;
  std::string_view grant;
};
// What others call them.
constexpr std::array<OtherWord, 7> other_words{{{"authorization_code", "browser"},
                                                {"pkce", "browser"},
                                                {"delegated", "browser"},
                                                {"workload_identity", "federated"},
                                                {"certificate", "client_credentials"},
                                                {"jwt_bearer", "service_account"},
                                                {"ropc", "password"}}};

using Providers = std::map<std::string, PlacedProvider>;

// Reads one [identity.NAME]; what is wrong with it is reported, and the rest still checked.
class IdentityReader {
 public:
  IdentityReader(const NamedTable& named, const Reading& reading, const Providers& providers)
      : reader_(named.table, named.at, fmt::format("[identity.{}]", named.name), reading.problems),
        draft_{.reader = reader_, .reading = reading},
        providers_(providers) {
    draft_.identity.name = named.name;
  }

  // nullopt: not even its provider or its grant is known.
  std::optional<Identity> read() {
    const bool grant_known = take_grant();
    const bool provider_known = take_provider(grant_known);
    lay_over(draft_.provider, reader_, draft_.reading.directory);
    if (!grant_known) return std::nullopt;
    refuse_idle_keys(draft_);
    take_tenant();
    take_client_id();
    take_credentials(draft_);
    reader_.finish();
    if (!provider_known) return std::nullopt;
    settle_endpoints(draft_);
    settle_scope(draft_);
    check_secret();
    check_mail_servers();
    warn_of_unverified();
    draft_.identity.provider = draft_.provider.provider;
    return std::move(draft_.identity);
  }

 private:
  bool take_provider(bool grant_known) {
    const auto written = reader_.text("provider");
    if (!written && reader_.has("provider")) return false;
    const std::string name = written ? written->value : std::string(default_provider);
    const Position at = reader_.at("provider");
    if (const auto own = providers_.find(name); own != providers_.end()) {
      draft_.provider = own->second;
      return true;
    }
    if (const Preset* preset = find_preset(name)) {
      draft_.preset = preset;
      draft_.provider.provider = preset->provider;
      if (grant_known && !preset->serves(draft_.identity.grant)) {
        refuse_grant_of(*preset, at);
        return false;
      }
      return true;
    }
    std::vector<std::string> known;
    for (const Preset& preset : presets()) known.push_back(preset.provider.name);
    for (const auto& [own_name, provider] : providers_) known.push_back(own_name);
    const std::string suggestion = did_you_mean(name, known);
    reader_.error(at, fmt::format("there is no provider {}{}", in_quotes(name),
                                  suggestion.empty()
                                      ? "; the presets are exchange-online, exchange-gcc-high, "
                                        "exchange-dod, exchange-china, outlook-com, gmail, yahoo, aol; others need a "
                                        "table [provider.NAME]"
                                      : suggestion));
    return false;
  }

  // EXCHANGE 1.13: the mailboxes are people's.
  void refuse_grant_of(const Preset& preset, Position at) {
    const bool has_service_accounts = preset.serves(Grant::service_account);
    reader_.error(at, fmt::format("'{}' gives no token with grant '{}': its mailboxes belong to people who sign in; "
                                  "use grant = \"browser\"{}",
                                  preset.provider.name, name_of(draft_.identity.grant),
                                  has_service_accounts ? ", or \"service_account\" of a Workspace" : ""));
  }

  bool take_grant() {
    const auto written = reader_.text("grant");
    if (!written) return !reader_.has("grant");
    std::vector<std::string> names;
    for (const Grant grant : all_grants) {
      if (name_of(grant) == written->value) {
        draft_.identity.grant = grant;
        return true;
      }
      names.emplace_back(name_of(grant));
    }
    const auto* other = std::ranges::find(other_words, std::string_view(written->value), &OtherWord::word);
    reader_.error(written->at, fmt::format("there is no grant {}; it is one of: {}{}", in_quotes(written->value),
                                           fmt::join(names, ", "),
                                           other != other_words.end() ? fmt::format("; you may mean '{}'", other->grant)
                                                                      : did_you_mean(written->value, names)));
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
    if (is_shared_tenant(tenant->value) && !is_delegated(draft_.identity)) {
      reader_.error(tenant->at, fmt::format("the tenant cannot be '{}' with {}; name your own, such as "
                                            "contoso.onmicrosoft.com",
                                            tenant->value, name_of(draft_.identity.grant)));
      return;
    }
    draft_.identity.tenant = tenant->value;
  }

  void take_client_id() {
    const Grant grant = draft_.identity.grant;
    if (grant == Grant::command || grant == Grant::service_account) return;
    // These two find it elsewhere where it is not written.
    const bool needed = grant != Grant::managed_identity && grant != Grant::federated;
    const auto id = needed ? reader_.needed_text("client_id", "it is the app registration's Application (client) ID")
                           : reader_.text("client_id");
    if (!id) return;
    if (id->value.find(' ') != std::string::npos) reader_.error(id->at, "'client_id' has a space; take it out");
    draft_.identity.client_id = id->value;
  }

  void check_secret() {
    // Elsewhere a GUID may well be a secret.
    if (!draft_.at_entra || !is_guid(draft_.identity.client_secret.reveal())) return;
    reader_.error(reader_.at("client_secret"),
                  "'client_secret' is the Secret ID, not the secret; take the column 'Value' of the app "
                  "registration, shown once when the secret is made");
  }

  void check_mail_servers() {
    const Provider& provider = draft_.provider.provider;
    if (provider.imap || provider.pop3 || provider.smtp) return;
    reader_.error(reader_.at(), fmt::format("the provider of {} has no mail server; give it 'imap', 'pop3' or 'smtp'",
                                            reader_.name()));
  }

  void warn_of_unverified() {
    if (draft_.preset == nullptr) return;
    const std::string_view unused = is_delegated(draft_.identity) ? "scope" : "delegated_scope";
    for (const std::string_view field : draft_.preset->unverified) {
      const std::string_view key = field == "delegated_scope" ? "scope" : field;
      if (field == unused || reader_.has(key)) continue;
      reader_.problems().warning(
          reader_.at("provider"),
          fmt::format("the '{}' of '{}' could not be verified; compare it with what your provider says, and write it "
                      "into {} to be sure",
                      key, draft_.preset->provider.name, reader_.name()));
    }
  }

  TableReader reader_;
  IdentityDraft draft_;
  const Providers& providers_;
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
