// What [identity.NAME] makes of each grant, the environment and the presets.
#include <algorithm>

#include "catch.h"
#include "config/load.h"
#include "config/providers.h"
#include "tests/config/refusals.h"

namespace saslift::config {
namespace {

using namespace test;

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found != variables.end() ? std::optional(found->second) : std::nullopt;
  };
}

Loaded load_identity(const std::string& lines, std::map<std::string, std::string> variables = {}) {
  auto loaded = load_text("[identity.a]\n" + lines, "/etc/saslift.toml", environment_of(std::move(variables)));
  INFO((loaded ? std::string() : loaded.error().front().message()));
  REQUIRE(loaded);
  return *std::move(loaded);
}

std::vector<std::string> warnings_about(const Loaded& loaded, std::string_view words) {
  std::vector<std::string> found;
  for (const Problem& warning : loaded.warnings) {
    if (warning.text.find(words) != std::string::npos) found.push_back(warning.text);
  }
  return found;
}

TEST_CASE("FAULTS 52: a preset's default scope is that of mail and of nothing else") {
  const std::string person = "client_id = \"id\"\nowner = \"o@contoso.com\"\n";
  const auto outlook = load_identity("provider = \"outlook-com\"\ngrant = \"browser\"\n" + person);
  const Identity& identity = outlook.settings.identities.at("a");
  CHECK(identity.provider.scope ==
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All "
        "https://outlook.office.com/SMTP.Send offline_access");
  CHECK(identity.provider.authorization_endpoint ==
        "https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize");
  const auto exchange = load_identity("grant = \"device_code\"\ntenant = \"contoso.com\"\n" + person);
  CHECK(exchange.settings.identities.at("a").provider.device_authorization_endpoint ==
        "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/devicecode");
  CHECK(exchange.settings.identities.at("a").provider.scope == identity.provider.scope);
  CHECK(load_identity("provider = \"gmail\"\ngrant = \"browser\"\n" + person)
            .settings.identities.at("a")
            .provider.scope == "https://mail.google.com/");
  const std::string remedy = "; use scope = \"" + identity.provider.scope + "\"";
  check({
      {"[identity.a]\nprovider = \"outlook-com\"\ngrant = \"browser\"\n" + person +
           "scope = \"https://outlook.office.com/SMTP.Send User.ReadWrite.All offline_access\"\n",
       {"6:9: 'scope' asks for 'User.ReadWrite.All', which is more than mail" + remedy}},
      {"[identity.a]\nprovider = \"outlook-com\"\ngrant = \"browser\"\n" + person +
           "scope = \"https://outlook.office.com/SMTP.Send\"\n",
       {"6:9: 'scope' lacks offline_access, without which the sign-in is lost within the hour" + remedy}},
      {"[identity.a]\nprovider = \"gmail\"\ngrant = \"device_code\"\n" + person,
       {"3:9: 'gmail' gives no token for mail by device code; use grant = \"browser\""}},
  });
}

TEST_CASE("what of a preset nobody could verify is told, until it is written") {
  const std::string dod = "provider = \"exchange-dod\"\ngrant = \"managed_identity\"\n";
  CHECK(warnings_about(load_identity(dod), "could not be verified").size() == 4);
  const auto less = load_identity(dod + "scope = \"https://outlook.office365.us/.default\"\n");
  CHECK(warnings_about(less, "could not be verified").size() == 3);
  CHECK(warnings_about(load_identity("grant = \"managed_identity\"\n"), "could not be verified").empty());
  for (const Preset& preset : presets()) {
    for (const std::string_view field : preset.unverified) {
      CAPTURE(preset.provider.name, std::string(field));
      CHECK((field == "imap" || field == "pop3" || field == "smtp" || field == "scope" || field == "delegated_scope"));
    }
  }
}

TEST_CASE("a federated identity takes everything from the platform's environment (EXCHANGE 1.4)") {
  const auto loaded =
      load_identity("grant = \"federated\"\n", {{"AZURE_CLIENT_ID", "id"},
                                                {"AZURE_TENANT_ID", "contoso.com"},
                                                {"AZURE_FEDERATED_TOKEN_FILE", "/run/token"},
                                                {"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"}});
  const Identity& identity = loaded.settings.identities.at("a");
  CHECK(identity.client_id == "id");
  CHECK(identity.tenant == "contoso.com");
  CHECK(identity.assertion_file == "/run/token");
  CHECK(identity.provider.token_endpoint == "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/token");
  // What is written wins.
  const auto written = load_identity(
      "grant = \"federated\"\nclient_id = \"own\"\ntenant = \"own.test\"\nassertion_file = \"/own\"\n",
      {{"AZURE_CLIENT_ID", "id"}, {"AZURE_TENANT_ID", "contoso.com"}, {"AZURE_FEDERATED_TOKEN_FILE", "/run/token"}});
  CHECK(written.settings.identities.at("a").client_id == "own");
  CHECK(written.settings.identities.at("a").tenant == "own.test");
  CHECK(written.settings.identities.at("a").assertion_file == "/own");
  const auto none = load_text("[identity.a]\ngrant = \"federated\"\n", "/etc/saslift.toml", environment_of({}));
  REQUIRE_FALSE(none);
  CHECK(none.error().size() == 3);
  CHECK_FALSE(
      load_text("[identity.a]\ngrant = \"federated\"\nclient_id = \"i\"\ntenant = \"t\"\nassertion_file = \"f\"\n",
                "/etc/saslift.toml", environment_of({{"AZURE_AUTHORITY_HOST", "http://login.evil.test/"}})));
}

TEST_CASE("a managed identity is found where the platform says (EXCHANGE 1.10)") {
  const auto imds = load_identity("grant = \"managed_identity\"\n");
  CHECK(imds.settings.identities.at("a").managed_identity.url ==
        "http://169.254.169.254/metadata/identity/oauth2/token");
  const auto service =
      load_identity("grant = \"managed_identity\"\nclient_id = \"c\"\n",
                    {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41999/msi/token"}, {"IDENTITY_HEADER", "h"}});
  const ManagedIdentity& managed = service.settings.identities.at("a").managed_identity;
  CHECK(managed.form == ManagedIdentity::Form::app_service);
  CHECK(managed.url == "http://127.0.0.1:41999/msi/token");
  CHECK(managed.header.reveal() == "h");
  CHECK(managed.client_id == "c");
  // FAULTS 47: what travels in clear stays on this host.
  for (const std::string url : {"http://evil.test/", "https://127.0.0.1/", "http://10.0.0.1/", "x"}) {
    CAPTURE(url);
    CHECK_FALSE(load_text("[identity.a]\ngrant = \"managed_identity\"\n", "/etc/saslift.toml",
                          environment_of({{"IDENTITY_ENDPOINT", url}, {"IDENTITY_HEADER", "h"}})));
  }
  CHECK_FALSE(load_text("[identity.a]\ngrant = \"managed_identity\"\nclient_id = \"c\"\nobject_id = \"o\"\n",
                        "/etc/saslift.toml", environment_of({})));
}

TEST_CASE("certificates that cannot sign are refused with what to do") {
  const auto with = [](const std::string& lines) {
    return "[identity.office]\ntenant = \"contoso.com\"\nclient_id = \"id\"\n" + lines;
  };
  check({
      {with("certificate = \"file:key.pem\"\n"),
       {"4:15: 'certificate': what it names holds no certificate (-----BEGIN CERTIFICATE-----) that can be read"}},
      {with("certificate = \"file:office.secret\"\n"),
       {"4:15: 'certificate': what it names is neither PEM (-----BEGIN CERTIFICATE-----) nor PKCS#12 (.pfx)"}},
      {with("certificate = \"file:office.secret\"\ncertificate_key = \"store:\"\n"),
       {"5:19: 'certificate_key': 'store:' is followed by no URI, such as pkcs11:token=..."}},
      {with("client_secret = \"file:office.secret\"\nassertion = \"rs256\"\n"),
       {"5:13: 'assertion' does nothing without 'certificate'; take it out"}},
      {with("client_secret = \"file:office.secret\"\nclient_secret_expires = \"2027-03-31\"\n"),
       {"5:25: 'client_secret_expires' is text, but should be a date without quotes: client_secret_expires = "
        "2027-03-31"}},
  });
}

}  // namespace
}  // namespace saslift::config
