// Each grant's exact request, as EXCHANGE 1 states it.
#include <nlohmann/json.hpp>

#include "auth/grants/base64url.h"
#include "auth/grants/grant.h"
#include "auth/grants/jwt.h"
#include "auth/grants/withhold.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::auth;
using config::Grant;

namespace {

const auto now = std::chrono::system_clock::from_time_t(1'800'000'000);

config::Identity identity_with(Grant grant) {
  config::Identity identity;
  identity.name = "office";
  identity.grant = grant;
  identity.client_id = "the-app";
  identity.owner = "o@contoso.com";
  identity.provider.token_endpoint = "https://login.example/t/token";
  identity.provider.scope = "https://outlook.office365.com/.default";
  return identity;
}

TokenRequest request_of(const config::Identity& identity, std::string_view subject = {},
                        const config::Secret* refresh_token = nullptr) {
  return request_token(identity, config::Service{}, {.subject = subject, .refresh_token = refresh_token, .now = now});
}

struct Jwt {
  nlohmann::json header, claims;
};
Jwt jwt_of(const TokenRequest& request) {
  const std::string& input = std::get<AssertionToSign>(request.assertion.value().source).signing_input;
  const auto dot = input.find('.');
  return {nlohmann::json::parse(from_base64url(input.substr(0, dot)).value()),
          nlohmann::json::parse(from_base64url(input.substr(dot + 1)).value())};
}

}  // namespace

TEST_CASE("a signed assertion stands in for the secret, fresh each time (EXCHANGE 1.3)") {
  config::Identity identity = identity_with(Grant::client_credentials);
  identity.signing_key.emplace();
  identity.signing_key->pem = config::Secret("the key");
  const TokenRequest request = request_of(identity);
  CHECK(request.body.reveal() ==
        "client_id=the-app&scope=https%3A%2F%2Foutlook.office365.com%2F.default&grant_type=client_credentials"
        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
  CHECK(request.assertion->field == "client_assertion");
  const Jwt jwt = jwt_of(request);
  CHECK(jwt.header == nlohmann::json{{"alg", "PS256"}, {"typ", "JWT"}});
  CHECK(jwt.claims["iss"] == "the-app");
  CHECK(jwt.claims["sub"] == "the-app");
  CHECK(jwt.claims["aud"] == "https://login.example/t/token");
  CHECK(jwt.claims["nbf"] == 1'800'000'000 - 60);
  CHECK(jwt.claims["exp"] == 1'800'000'000 + 300);
  const auto& to_sign = std::get<AssertionToSign>(request.assertion->source);
  CHECK(to_sign.key_pem.reveal() == "the key");

  const auto later = request_token(identity, config::Service{}, {.now = now + std::chrono::nanoseconds(1)});
  CHECK(jwt_of(later).claims["jti"] != jwt.claims["jti"]);
  identity.signing_key->algorithm = config::AssertionAlgorithm::rs256;
  CHECK(jwt_of(request_of(identity)).header["alg"] == "RS256");
}

TEST_CASE("grants that live on a refresh token send the newest, first the one they were given (EXCHANGE 1.7)") {
  for (const Grant grant : {Grant::device_code, Grant::browser, Grant::refresh_token}) {
    config::Identity identity = identity_with(grant);
    identity.refresh_token = config::Secret("first");
    const std::string around = "client_id=the-app&scope=https%3A%2F%2Foutlook.office365.com%2F.default&refresh_token=";
    CHECK(request_of(identity).body.reveal() == around + "first&grant_type=refresh_token");
    const config::Secret second("se+cond");
    CHECK(request_of(identity, {}, &second).body.reveal() == around + "se%2Bcond&grant_type=refresh_token");
  }
}

TEST_CASE("federated names the file that the platform writes (EXCHANGE 1.4)") {
  config::Identity identity = identity_with(Grant::federated);
  identity.assertion_file = "/run/token";
  const TokenRequest request = request_of(identity);
  CHECK(request.body.reveal() ==
        "client_id=the-app&scope=https%3A%2F%2Foutlook.office365.com%2F.default&grant_type=client_credentials"
        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
  CHECK(request.assertion.value().field == "client_assertion");
  CHECK(std::get<AssertionInFile>(request.assertion->source).path == "/run/token");
}

TEST_CASE("a managed identity is asked for in the form of its platform (EXCHANGE 1.10)") {
  config::Identity identity = identity_with(Grant::managed_identity);
  config::Service service;
  service.outbound_proxy.proxy = config::parse_http_proxy("http://proxy.example:1");
  config::ManagedIdentity& managed = identity.managed_identity;
  managed.url = "http://169.254.169.254/metadata/identity/oauth2/token";
  const std::string imds = managed.url + "?api-version=2018-02-01&resource=https%3A%2F%2Foutlook.office365.com";
  TokenRequest request = request_token(identity, service, {.now = now});
  CHECK(request.method == HttpMethod::get);
  CHECK(request.url == imds);
  CHECK(request.body.empty());
  REQUIRE(request.headers.size() == 1);
  CHECK(request.headers[0].name == "Metadata");
  CHECK(request.headers[0].value.reveal() == "true");
  CHECK_FALSE(request.http_proxy);
  managed.resource_id = "/subscriptions/a b";
  CHECK(request_of(identity).url == imds + "&msi_res_id=%2Fsubscriptions%2Fa%20b");

  managed.form = config::ManagedIdentity::Form::app_service;
  managed.url = "http://127.0.0.1:42356/msi/token";
  managed.header = config::Secret("header");
  const std::string app = managed.url + "?api-version=2019-08-01&resource=https%3A%2F%2Foutlook.office365.com";
  request = request_of(identity);
  CHECK(request.url == app + "&mi_res_id=%2Fsubscriptions%2Fa%20b");
  CHECK(request.headers.at(0).name == "X-IDENTITY-HEADER");
  CHECK(request.headers.at(0).value.reveal() == "header");
  managed.resource_id.clear();
  managed.object_id = "o";
  CHECK(request_of(identity).url == app + "&principal_id=o");
  managed.object_id.clear();
  managed.client_id = "c";
  CHECK(request_of(identity).url == app + "&client_id=c");
}

TEST_CASE("a service account asks for one mailbox (EXCHANGE 1.13)") {
  config::Identity identity = identity_with(Grant::service_account);
  identity.client_id = "saslift@project.iam.gserviceaccount.com";
  identity.provider.scope = "https://mail.google.com/";
  identity.signing_key.emplace();
  identity.signing_key->algorithm = config::AssertionAlgorithm::rs256;
  const TokenRequest request = request_of(identity, "scans@contoso.com");
  CHECK(request.body.reveal() == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
  CHECK(request.assertion.value().field == "assertion");
  const Jwt jwt = jwt_of(request);
  CHECK(jwt.claims["iss"] == "saslift@project.iam.gserviceaccount.com");
  CHECK(jwt.claims["sub"] == "scans@contoso.com");
  CHECK(jwt.claims["aud"] == "https://login.example/t/token");
  CHECK(jwt.claims["scope"] == "https://mail.google.com/");
  CHECK(jwt.claims["exp"].get<int>() - jwt.claims["iat"].get<int>() <= 3600);
}

TEST_CASE("the password grant, and a command in place of any request") {
  config::Identity identity = identity_with(Grant::password);
  identity.password = config::Secret("p&w");
  CHECK(request_of(identity).body.reveal() ==
        "client_id=the-app&scope=https%3A%2F%2Foutlook.office365.com%2F.default&username=o%40contoso.com"
        "&password=p%26w&grant_type=password");
  identity = identity_with(Grant::command);
  identity.command.words = {"/bin/echo", "x y"};
  const TokenRequest request = request_of(identity);
  CHECK(request.command.value().words == std::vector<std::string>{"/bin/echo", "x y"});
  CHECK(request.url.empty());
}

TEST_CASE("a token endpoint is asked through the proxy, but for the hosts that are not") {
  const config::Identity identity = identity_with(Grant::client_credentials);
  config::Service service;
  service.outbound_proxy.proxy = config::parse_http_proxy("http://u:p%40w@proxy.example:3128/");
  const auto through = request_token(identity, service, {.now = now}).http_proxy;
  REQUIRE(through);
  CHECK(through->host == "proxy.example");
  CHECK(through->port == 3128);
  CHECK(through->user == "u");
  CHECK(through->password.reveal() == "p@w");
  service.outbound_proxy.direct = config::parse_no_proxy("other.test, .LOGIN.example");
  CHECK_FALSE(request_token(identity, service, {.now = now}).http_proxy);
}

TEST_CASE("a good reply brings a refresh token, the user, and a life by date where that is all it says") {
  const auto reply = [](std::string_view body) {
    TokenReply made;
    made.status = 200;
    made.received = now;
    made.body = config::Secret(body);
    return read_reply(std::move(made));
  };
  const auto jwt = [](const std::string& claims) { return "e30." + to_base64url(claims) + ".c2ln"; };
  const auto first = reply(R"({"access_token":"a","refresh_token":"r","id_token":")" +
                           jwt(R"({"preferred_username":"o@contoso.com"})") + "\"}");
  REQUIRE(first);
  CHECK(first->refresh_token.reveal() == "r");
  CHECK(first->user == "o@contoso.com");
  for (const char* claim : {"upn", "unique_name", "email"}) {
    const auto one = reply(R"({"access_token":")" + jwt(std::string("{\"") + claim + R"(":"u@contoso.com"})") + "\"}");
    REQUIRE(one);
    CHECK(one->user == "u@contoso.com");
    CHECK(one->refresh_token.empty());
  }
  for (const std::string& none :
       {jwt(R"({"upn":7})"), jwt("[]"), std::string("e30.%%.c"), jwt("{\"upn\":\"a\\u0007\"}")}) {
    const auto one = reply(R"({"access_token":"a","id_token":")" + none + "\"}");
    REQUIRE(one);
    CHECK(one->user.empty());
  }
  const auto dated = reply(R"({"access_token":"a","expires_on":"1800001800"})");
  REQUIRE(dated);
  CHECK(dated->life == std::chrono::seconds(1800));
  CHECK(reply(R"({"access_token":"a","expires_on":1})").value().life == std::chrono::seconds(60));
  CHECK(reply(R"({"access_token":"a","expires_on":"1800001800","expires_in":"300"})").value().life ==
        std::chrono::seconds(300));
  CHECK(reply(R"({"access_token":"a","refresh_token":")" + std::string(17'000, 'r') + "\"}").error().error ==
        "unfit_refresh_token");
}

TEST_CASE("a managed identity's statuses alone say whether to ask again (EXCHANGE 1.10)") {
  for (const int status : {400, 401, 403, 404, 405, 410, 429, 500, 503}) {
    CAPTURE(status);
    TokenReply reply;
    reply.status = status;
    reply.answerer = Answerer::platform;
    reply.body = config::Secret(R"({"error":"invalid_request","error_description":"Identity not found"})");
    const auto outcome = read_reply(std::move(reply));
    REQUIRE_FALSE(outcome);
    const bool passes = status == 404 || status == 410 || status == 429 || status >= 500;
    CHECK((outcome.error().kind == TokenErrorKind::temporary) == passes);
  }
}

TEST_CASE("FAULTS 53: an error that echoes any secret of the identity is withheld") {
  config::Identity identity = identity_with(Grant::refresh_token);
  identity.client_secret = config::Secret("canary+1");
  identity.refresh_token = config::Secret("canary+2");
  identity.password = config::Secret("canary+3");
  identity.managed_identity.header = config::Secret("canary+4");
  const config::Secret newest("canary+5");
  for (const char number : {'1', '2', '3', '4', '5'}) {
    for (const std::string& echo : {std::string("canary+") + number, std::string("canary%2B") + number}) {
      TokenError error;
      error.error = "invalid_grant";
      error.description = "the request was " + echo;
      error.trace_id = echo;
      withhold_secrets(identity, &newest, error);
      CHECK(error.error == "invalid_grant");
      CHECK(error.description == "(withheld)");
      CHECK(error.trace_id == "(withheld)");
    }
  }
}
