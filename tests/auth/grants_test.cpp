#include <random>

#include "auth/grants/form.h"
#include "auth/grants/grant.h"
#include "auth/grants/token_json.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;

namespace {

TokenReply reply(int status, std::string_view body) {
  TokenReply made;
  made.status = status;
  made.body = config::Secret(body);
  return made;
}

}  // namespace

TEST_CASE("client_credentials asks as EXCHANGE 1.2 says, everything URL-encoded") {
  config::Identity identity;
  identity.client_id = "00000000-0000-0000-0000-00000000000a";
  identity.provider.scope = "https://outlook.office365.com/.default";
  identity.provider.token_endpoint = "https://login.microsoftonline.com/contoso/oauth2/v2.0/token";
  identity.provider.ca_file = "/ca.pem";
  identity.client_secret = config::Secret("a~b+c/d=e f&g%h\xC3\xA4.-_");
  config::Service service;
  service.ca_file = "/service-ca.pem";

  const TokenRequest request = request_token(identity, service, {});
  CHECK(request.url == "https://login.microsoftonline.com/contoso/oauth2/v2.0/token");
  CHECK(request.ca_file == "/ca.pem");
  CHECK(request.service_ca_file == "/service-ca.pem");
  CHECK(request.body.reveal() ==
        "client_id=00000000-0000-0000-0000-00000000000a"
        "&scope=https%3A%2F%2Foutlook.office365.com%2F.default"
        "&grant_type=client_credentials"
        "&client_secret=a~b%2Bc%2Fd%3De%20f%26g%25h%C3%A4.-_");
}

TEST_CASE("tokens are cut out of JSON, whatever stands around them") {
  struct Row {
    std::string json;
    std::string text;
    std::vector<std::string> tokens;
  };
  const std::vector<Row> rows = {
      {R"({"access_token":"abc","expires_in":3599})", R"({"access_token":"0","expires_in":3599})", {"abc"}},
      {R"({ "access_token" : "abc" , "x":"y"})", R"({ "access_token" : "0" , "x":"y"})", {"abc"}},
      {R"({"refresh_token":"r","id_token":"i"})", R"({"refresh_token":"0","id_token":"1"})", {"r", "i"}},
      {R"({"access_token":"a\/b\\c\"d"})", R"({"access_token":"0"})", {"a/b\\c\"d"}},
      {R"({"a":"access_token","b":"abc"})", R"({"a":"access_token","b":"abc"})", {}},
      {R"(["access_token","abc"])", R"(["access_token","abc"])", {}},
      {R"({"access_token":["abc"]})", R"({"access_token":["abc"]})", {}},
      {R"({"access_token":"abc)", R"({"access_token":)", {}},
      {R"({"token_type":"Bearer"})", R"({"token_type":"Bearer"})", {}},
      {"", "", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const TokenJson taken = take_tokens(row.json);
    CHECK(taken.text == row.text);
    std::vector<std::string> tokens;
    for (const config::Secret& token : taken.tokens) tokens.emplace_back(token.reveal());
    CHECK(tokens == row.tokens);
  }
}

TEST_CASE("a token reply's life is read from a number, a string or nothing, and kept sane") {
  struct Row {
    std::string member;
    Duration life;
  };
  const std::vector<Row> rows = {
      {R"(,"expires_in":3599)", 3599s},
      {R"(,"expires_in":"3599")", 3599s},
      {"", 3600s},
      {R"(,"expires_in":null)", 3600s},
      {R"(,"expires_in":"soon")", 3600s},
      {R"(,"expires_in":"")", 3600s},
      {R"(,"expires_in":[1])", 3600s},
      {R"(,"expires_in":3599.9)", 3599s},
      {R"(,"expires_in":0)", 60s},
      {R"(,"expires_in":-5)", 60s},
      {R"(,"expires_in":"-5")", 60s},
      {R"(,"expires_in":1e300)", 24h},
      {R"(,"expires_in":1e999)", 0s},
      {R"(,"expires_in":18446744073709551615)", 24h},
      {R"(,"expires_in":"99999999999999999999")", 24h},
  };
  for (const Row& row : rows) {
    CAPTURE(row.member);
    const TokenOutcome token = read_reply(reply(200, R"({"access_token":"abc")" + row.member + "}"));
    if (row.life == 0s) {
      CHECK_FALSE(token.has_value());
      continue;
    }
    REQUIRE(token.has_value());
    CHECK(token->access_token.reveal() == "abc");
    CHECK(token->life == row.life);
  }
}

TEST_CASE("FAULTS 36, 37, 38: only the JSON error makes a failure permanent") {
  struct Row {
    int status;
    std::string body;
    std::string error;
    TokenErrorKind kind;
  };
  const auto permanent = TokenErrorKind::permanent;
  const auto temporary = TokenErrorKind::temporary;
  std::vector<Row> rows = {
      {400, R"({"error":"temporarily_unavailable"})", "temporarily_unavailable", temporary},
      {500, R"({"error":"server_error"})", "server_error", temporary},
      {400, R"({"error":"something_new"})", "something_new", temporary},
      {400, R"({"error":{"code":400}})", "unnamed_error", temporary},
      {400, R"({"error":""})", "unnamed_error", temporary},
      {503, R"({"error":"invalid_client"})", "invalid_client", permanent},
      {200, R"({"error":"invalid_grant","access_token":"abc"})", "invalid_grant", permanent},
      {429, "Too Many Requests", "not_json", temporary},
      {400, "<html>invalid_client</html>", "not_json", temporary},
      {500, "", "not_json", temporary},
      {200, "", "not_json", temporary},
      {200, "[]", "not_json", temporary},
      {200, "\"access_token\"", "not_json", temporary},
      {200, R"({"access_token":"abc")", "not_json", temporary},
      {200, R"({"access_token":"abc)", "not_json", temporary},
      {200, "{}", "no_token", temporary},
      {200, R"({"access_token":""})", "no_token", temporary},
      {200, R"({"access_token":null})", "no_token", temporary},
      {200, R"({"access_token":7})", "no_token", temporary},
      {200, R"({"inner":{"access_token":"abc"}})", "no_token", temporary},
      {200, R"({"access_token":"a\u0001b"})", "unfit_token", temporary},
      {200, R"({"access_token":"a b"})", "unfit_token", temporary},
      {200,
       "{\"access_token\":\"a\x01"
       "b\"}",
       "unfit_token", temporary},
      {200, "{\"access_token\":\"a\xC3\xA4\"}", "unfit_token", temporary},
      {200, R"({"access_token":")" + std::string(33 * 1024, 'a') + "\"}", "unfit_token", temporary},
      {401, R"({"access_token":"abc"})", "http_401", temporary},
      {429, "{}", "http_429", temporary},
      {302, R"({"error":null,"access_token":"abc"})", "http_302", temporary},
      {200, std::string(largest_token_reply + 1, ' '), "too_long", temporary},
      {200, std::string(60'000, '['), "not_json", temporary},
  };
  for (const char* name :
       {"invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope", "invalid_request",
        "unsupported_grant_type", "invalid_resource", "interaction_required", "consent_required", "access_denied"})
    rows.push_back({400, std::string(R"({"error":")") + name + "\"}", name, permanent});

  for (const Row& row : rows) {
    CAPTURE(row.status, row.body.substr(0, 100));
    const TokenOutcome token = read_reply(reply(row.status, row.body));
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().error == row.error);
    CHECK(token.error().kind == row.kind);
  }
}

TEST_CASE("what the provider says of an error reaches the log printable and cut") {
  TokenReply answer =
      reply(400, R"({"error":"invalid_client","error_description":"AADSTS7000222: expired.\r\nTrace \u0007\u00e4",)"
                 R"("correlation_id":"9f0c"})");
  answer.retry_after = 60s;
  answer.correlation_id = "from-header";
  const TokenOutcome token = read_reply(std::move(answer));
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().description == "AADSTS7000222: expired.  Trace ???");
  CHECK(token.error().correlation_id == "9f0c");
  CHECK(token.error().retry_after == Duration(60s));

  const TokenOutcome long_one =
      read_reply(reply(400, R"({"error":"invalid_client","error_description":")" + std::string(5000, 'x') + "\"}"));
  CHECK(long_one.error().description.size() == 512);

  TokenReply page = reply(429, "Too Many Requests");
  page.retry_after = 60s;
  page.correlation_id = "from-header";
  const TokenOutcome throttled = read_reply(std::move(page));
  CHECK(throttled.error().retry_after == Duration(60s));
  CHECK(throttled.error().correlation_id == "from-header");
  CHECK(throttled.error().description == "HTTP status 429");
}

TEST_CASE("FAULTS 37: a fetch that brought nothing is a temporary error with a name") {
  const std::vector<std::pair<FetchFailure, std::string>> rows = {{FetchFailure::unreachable, "unreachable"},
                                                                  {FetchFailure::tls, "tls"},
                                                                  {FetchFailure::timeout, "timeout"},
                                                                  {FetchFailure::too_long, "too_long"},
                                                                  {FetchFailure::died, "fetch_died"},
                                                                  {FetchFailure::no_assertion, "no_assertion"},
                                                                  {FetchFailure::command_failed, "command_failed"}};
  for (const auto& [kind, name] : rows) {
    const TokenOutcome token = read_reply(std::unexpected(FetchError{kind, "the\ndetail"}));
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().kind == TokenErrorKind::temporary);
    CHECK(token.error().error == name);
    CHECK(token.error().description == "the detail");
  }
}

TEST_CASE("a token reply cut off at any byte, or with random changes, does no more than fail") {
  const std::string whole = R"({"token_type":"Bearer","access_token":"abc\/def","expires_in":"3599"})";
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(read_reply(reply(200, std::string_view(whole).substr(0, size))).has_value());
  REQUIRE(read_reply(reply(200, whole)).value().access_token.reveal() == "abc/def");
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string changed = whole;
    for (int change = 0; change < 3; ++change) changed[random() % changed.size()] = static_cast<char>(random() & 0xFFU);
    (void)read_reply(reply(200, changed));
  }
}
