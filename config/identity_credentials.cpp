// What an identity proves itself with, by grant.
#include <fmt/format.h>

#include "config/identity_draft.h"
#include "config/service_account_key.h"
#include "config/signing_key.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

using namespace std::chrono_literals;

constexpr Word<AssertionAlgorithm> algorithm_words[] = {{"ps256", AssertionAlgorithm::ps256},
                                                        {"rs256", AssertionAlgorithm::rs256}};
// The fetch process that runs it has ten seconds.
constexpr DurationRange command_timeout_range{100ms, 9s, "between 100ms and 9s"};
constexpr std::string_view store_prefix = "store:";

// A secret of one line. nullopt: not written, or reported.
std::optional<Secret> take_line(IdentityDraft& draft, std::string_view key) {
  const auto written = draft.reader.text(key);
  if (!written) return std::nullopt;
  auto secret = read_secret_key(draft.reader, *written, key, Stripping::trailing_newline, draft.reading.directory);
  if (!secret) return std::nullopt;
  if (has_control_character(secret->bytes.reveal())) {
    draft.error(written->at, fmt::format("'{}': the place it names holds several lines or control characters; it "
                                         "should hold the secret alone",
                                         key));
    return std::nullopt;
  }
  return std::move(secret->bytes);
}

// Bytes as they stand, such as PKCS#12 or PEM.
std::optional<Secret> take_bytes(IdentityDraft& draft, std::string_view key, const Placed<std::string>& written) {
  auto secret = read_secret_key(draft.reader, written, key, Stripping::nothing, draft.reading.directory);
  if (!secret) return std::nullopt;
  return std::move(secret->bytes);
}

// One of these two means nothing without `key`.
void belongs_to(IdentityDraft& draft, std::string_view one, std::string_view key) {
  if (!draft.reader.has(one) || draft.reader.has(key)) return;
  draft.error(draft.reader.at(one), fmt::format("'{}' does nothing without '{}'; take it out", one, key));
}

struct WrittenKey {
  Secret pem;
  std::string store;
};

// nullopt: reported.
std::optional<WrittenKey> take_certificate_key(IdentityDraft& draft) {
  WrittenKey key;
  const auto written = draft.reader.text("certificate_key");
  if (!written) return draft.reader.has("certificate_key") ? std::nullopt : std::optional(std::move(key));
  if (written->value.starts_with(store_prefix)) {
    key.store = written->value.substr(store_prefix.size());
    if (!key.store.empty()) return key;
    draft.error(written->at, "'certificate_key': 'store:' is followed by no URI, such as pkcs11:token=...");
    return std::nullopt;
  }
  auto pem = take_bytes(draft, "certificate_key", *written);
  if (!pem) return std::nullopt;
  key.pem = *std::move(pem);
  return key;
}

void take_certificate(IdentityDraft& draft) {
  TableReader& reader = draft.reader;
  for (const std::string_view key : {"certificate_password", "certificate_key", "assertion"})
    belongs_to(draft, key, "certificate");
  const auto algorithm = reader.choice("assertion", algorithm_words);
  const auto password = take_line(draft, "certificate_password");
  const auto key = take_certificate_key(draft);
  const auto written = reader.text("certificate");
  if (!written || !key || (reader.has("certificate_password") && !password)) return;
  const auto certificate = take_bytes(draft, "certificate", *written);
  if (!certificate) return;
  auto signing = key->store.empty() ? read_signing_key({.certificate = certificate->reveal(),
                                                        .key = key->pem.reveal(),
                                                        .password = password ? password->reveal() : std::string_view()})
                                    : read_certificate_alone(certificate->reveal());
  if (!signing) {
    draft.error(written->at, fmt::format("'certificate': what it names {}", signing.error().text));
    return;
  }
  signing->key_store = key->store;
  if (algorithm) signing->algorithm = algorithm->value;
  draft.identity.signing_key = *std::move(signing);
}

// A client that can keep a secret: client_secret, or certificate, or neither.
void take_client_authentication(IdentityDraft& draft) {
  TableReader& reader = draft.reader;
  if (auto secret = take_line(draft, "client_secret")) draft.identity.client_secret = *std::move(secret);
  if (const auto day = reader.date("client_secret_expires")) draft.identity.client_secret_expires = day->value;
  belongs_to(draft, "client_secret_expires", "client_secret");
  take_certificate(draft);
  if (reader.has("client_secret") && reader.has("certificate")) {
    draft.error(reader.at("certificate"), "'client_secret' and 'certificate' both stand here; one of them is enough");
  }
}

void take_owner(IdentityDraft& draft) {
  const auto owner = draft.reader.needed_text("owner", "it is the person who signs in, such as scans@contoso.com");
  if (!owner) return;
  draft.identity.owner = owner->value;
  if (draft.preset != nullptr && !is_mail_address(owner->value)) {
    draft.error(owner->at,
                fmt::format("{} is no person's address, such as scans@contoso.com", in_quotes(owner->value)));
  }
}

void take_needed_line(IdentityDraft& draft, std::string_view key, Secret& secret) {
  if (!draft.reader.has(key)) {
    draft.error(draft.reader.at(), fmt::format("{0} has no '{1}'; {1} = \"file:NAME.secret\" names the file it is in",
                                               draft.reader.name(), key));
  }
  if (auto line = take_line(draft, key)) secret = *std::move(line);
}

void take_service_account(IdentityDraft& draft) {
  const auto written = draft.reader.needed_text(
      "service_account", "service_account = \"file:NAME.json\" names the key file that Google gave");
  if (!written) return;
  const auto bytes = take_bytes(draft, "service_account", *written);
  if (!bytes) return;
  const auto file = read_service_account_key(bytes->reveal());
  if (!file) {
    draft.error(written->at,
                "'service_account': what it names is no key file of a service account: a JSON object with "
                "client_email, private_key and token_uri");
    return;
  }
  auto signing = read_key_alone(file->private_key.reveal());
  if (!signing) {
    draft.error(written->at, fmt::format("'service_account': its private_key {}", signing.error().text));
    return;
  }
  signing->algorithm = AssertionAlgorithm::rs256;  // EXCHANGE 1.13: no other
  draft.identity.signing_key = *std::move(signing);
  draft.identity.client_id = file->client_email;
  if (draft.provider.token_endpoint_at.line != 0) return;
  const auto host = host_of_https_url(file->token_uri);
  if (!host || has_control_character(file->client_email)) {
    draft.error(written->at, "'service_account': its token_uri is no https://host/path");
    return;
  }
  const std::string usual = host_of_https_url(draft.provider.provider.token_endpoint).value_or(*host);
  if (*host != usual) {
    draft.reader.problems().warning(written->at, fmt::format("the key file asks {} for tokens, not {}, which '{}' uses",
                                                             *host, usual, draft.provider.provider.name));
  }
  draft.provider.provider.token_endpoint = file->token_uri;
}

void take_command(IdentityDraft& draft) {
  TableReader& reader = draft.reader;
  TokenCommand& command = draft.identity.command;
  if (const auto owner = reader.text("owner")) draft.identity.owner = owner->value;
  if (const auto time = reader.duration("command_timeout", command_timeout_range)) command.time = time->value;
  const auto words = reader.texts("command");
  if (!words) {
    if (!reader.has("command")) {
      draft.error(reader.at(), fmt::format("{} has no 'command'; it lists the program and its arguments: command = "
                                           "[\"/usr/bin/program\", \"argument\"]",
                                           reader.name()));
    }
    return;
  }
  for (const Placed<std::string>& word : *words) command.words.push_back(word.value);
  std::string& program = command.words.front();
  if (program.find('/') != std::string::npos) program = (draft.reading.directory / program).lexically_normal().string();
  for (const std::string name : {"PATH", "HOME", "LANG"}) {
    if (const auto value = draft.reading.environment(name)) command.environment.push_back(name + "=" + *value);
  }
}

}  // namespace

void take_credentials(IdentityDraft& draft) {
  switch (draft.identity.grant) {
    case Grant::client_credentials:
      if (!draft.reader.has("client_secret") && !draft.reader.has("certificate")) {
        draft.error(draft.reader.at(), fmt::format("{} has no 'client_secret', nor a 'certificate'; client_secret = "
                                                   "\"file:NAME.secret\" names the file it is in",
                                                   draft.reader.name()));
      }
      return take_client_authentication(draft);
    case Grant::refresh_token:
      take_needed_line(draft, "refresh_token", draft.identity.refresh_token);
      [[fallthrough]];
    case Grant::device_code:
    case Grant::browser:
      take_owner(draft);
      take_redirect_uri(draft);
      return take_client_authentication(draft);
    case Grant::password:
      take_owner(draft);
      take_needed_line(draft, "password", draft.identity.password);
      return take_client_authentication(draft);
    case Grant::federated:
      return take_federated(draft);
    case Grant::managed_identity:
      return take_managed_identity(draft);
    case Grant::service_account:
      return take_service_account(draft);
    case Grant::command:
      return take_command(draft);
  }
}

}  // namespace saslift::config
