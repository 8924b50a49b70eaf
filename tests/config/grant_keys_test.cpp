// [identity.NAME] by grant: what each needs, and what does nothing for it.

#include "tests/config/refusals.h"

namespace saslift::config {
namespace {

using namespace test;

std::string identity(const std::string& lines) { return "[identity.a]\n" + lines + "\n"; }

TEST_CASE("each grant says what it lacks") {
  const std::string owner =
      "1:11: [identity.a] has no 'owner'; it is the person who signs in, such as scans@contoso.com";
  const std::string client_id =
      "1:11: [identity.a] has no 'client_id'; it is the app registration's Application (client) ID";
  const std::string tenant =
      "1:11: [identity.a] has no 'tenant'; it is the directory's domain or ID, such as contoso.onmicrosoft.com";
  const auto secret = [](const std::string& key) {
    return "1:11: [identity.a] has no '" + key + "'; " + key + " = \"file:NAME.secret\" names the file it is in";
  };
  check({
      {identity("grant = \"device_code\""), {client_id, owner, tenant}},
      {identity("grant = \"browser\""), {client_id, owner, tenant}},
      {identity("grant = \"refresh_token\""), {client_id, secret("refresh_token"), owner, tenant}},
      {identity("grant = \"password\""), {client_id, owner, secret("password"), tenant}},
      {identity("provider = \"gmail\"\ngrant = \"service_account\""),
       {"1:11: [identity.a] has no 'service_account'; service_account = \"file:NAME.json\" names the key file that "
        "Google gave"}},
      {identity("grant = \"command\""),
       {"1:11: [identity.a] has no 'command'; it lists the program and its arguments: command = "
        "[\"/usr/bin/program\", \"argument\"]"}},
      {identity("grant = \"managed_identity\""), {}},
  });
}

TEST_CASE("a grant that is none is told with those there are") {
  const std::string known =
      "'; it is one of: client_credentials, device_code, browser, refresh_token, federated, managed_identity, "
      "service_account, password, command; ";
  check({
      {identity_with("grant = \"client_credential\""),
       {"5:9: there is no grant 'client_credential" + known + "did you mean 'client_credentials'?"}},
      {identity_with("grant = \"authorization_code\""),
       {"5:9: there is no grant 'authorization_code" + known + "you may mean 'browser'"}},
      {identity_with("grant = \"workload_identity\""),
       {"5:9: there is no grant 'workload_identity" + known + "you may mean 'federated'"}},
  });
}

TEST_CASE("every key that does nothing for a grant is refused, and every one that does something is not") {
  struct Key {
    std::string name;
    std::string value;
    std::vector<std::string> grants;  // that it does something for
  };
  const std::vector<std::string> grants{"client_credentials", "device_code", "browser",
                                        "refresh_token",      "federated",   "managed_identity",
                                        "service_account",    "password",    "command"};
  const std::vector<std::string> clients{"client_credentials", "device_code", "browser", "refresh_token", "password"};
  const std::vector<Key> keys{
      {"tenant",
       "\"contoso.com\"",
       {"client_credentials", "device_code", "browser", "refresh_token", "federated", "password"}},
      {"client_id",
       "\"id\"",
       {"client_credentials", "device_code", "browser", "refresh_token", "federated", "managed_identity", "password"}},
      {"client_secret", "\"file:office.secret\"", clients},
      {"client_secret_expires", "2027-03-31", clients},
      {"certificate", "\"file:certificate.pem\"", clients},
      {"certificate_password", "\"file:office.secret\"", clients},
      {"certificate_key", "\"store:pkcs11:token=x\"", clients},
      {"assertion", "\"rs256\"", clients},
      {"refresh_token", "\"file:office.secret\"", {"refresh_token"}},
      {"assertion_file", "\"token\"", {"federated"}},
      {"object_id", "\"o\"", {"managed_identity"}},
      {"resource_id", "\"r\"", {"managed_identity"}},
      {"service_account", "\"file:office.secret\"", {"service_account"}},
      {"password", "\"file:office.secret\"", {"password"}},
      {"command", "[\"/bin/true\"]", {"command"}},
      {"command_timeout", "\"3s\"", {"command"}},
      {"owner", "\"a@b.example\"", {"device_code", "browser", "refresh_token", "password", "command"}},
      {"token_endpoint",
       "\"https://a/{tenant}/b\"",
       {"client_credentials", "device_code", "browser", "refresh_token", "federated", "service_account", "password"}},
      {"authorization_endpoint", "\"https://a/b\"", {"browser"}},
      {"device_authorization_endpoint", "\"https://a/b\"", {"device_code"}},
      {"redirect_uri", "\"http://localhost\"", {"browser"}},
  };
  const RefusalFixture fixture;
  for (const std::string& grant : grants) {
    for (const Key& key : keys) {
      CAPTURE(grant, key.name);
      const auto told = fixture.problems(identity("grant = \"" + grant + "\"\n" + key.name + " = " + key.value));
      const bool works = std::find(key.grants.begin(), key.grants.end(), grant) != key.grants.end();
      const bool refused = std::any_of(told.begin(), told.end(), [&](const std::string& problem) {
        return problem.find("'" + key.name + "' does nothing with grant '" + grant + "'; take it out") !=
               std::string::npos;
      });
      CHECK(refused == !works);
      CHECK(std::none_of(told.begin(), told.end(),
                         [](const std::string& problem) { return problem.find("unknown key") != std::string::npos; }));
    }
  }
}

TEST_CASE("a redirect URI is https, or the loopback's") {
  const RefusalFixture fixture;
  for (const auto& [uri, good] : std::vector<std::pair<std::string, bool>>{
           {"http://localhost", true},
           {"http://localhost:8400/cb", true},
           {"http://127.0.0.1/", true},
           {"http://[::1]:1", true},
           {"https://localhost", true},
           {"https://login.microsoftonline.com/common/oauth2/nativeclient", true},
           {"http://example.com", false},
           {"http://localhost.example.com", false},
           {"http://localhost/?a", false},
           {"http://localhost/#a", false},
           {"https://", false},
           {"localhost", false},
           {"", false},
       }) {
    CAPTURE(uri);
    const auto told = fixture.problems(identity("grant = \"browser\"\nredirect_uri = \"" + uri + "\""));
    const bool refused = std::any_of(told.begin(), told.end(), [](const std::string& problem) {
      return problem.find("redirect URI") != std::string::npos || problem.find("'redirect_uri'") != std::string::npos;
    });
    CHECK(refused == !good);
  }
}

}  // namespace
}  // namespace saslift::config
