#include "auth/grants/authorization_code.h"

#include "auth/grants/form.h"
#include "auth/grants/redirect.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;

namespace {

const Instant start{1'000'000ms};

config::Identity identity_at(const std::string& endpoint) {
  config::Identity identity;
  identity.client_id = "app";
  identity.provider.authorization_endpoint = endpoint;
  identity.provider.token_endpoint = "https://login.example/token";
  identity.provider.scope = "mail offline_access";
  return identity;
}

// The bytes of RFC 7636 appendix B.
AuthorizationSeed rfc_7636_seed() {
  AuthorizationSeed seed;
  seed.verifier = {116, 24,  223, 180, 151, 153, 224, 37,  79, 250, 96, 125, 216, 173, 187, 186,
                   22,  212, 37,  77,  105, 214, 191, 240, 91, 88,  5,  88,  83,  132, 141, 121};
  return seed;
}
// 24 zero bytes.
const std::string state = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

Authorization authorization() {
  return {identity_at("https://login.example/authorize"), "http://localhost:8095", rfc_7636_seed(), start};
}

std::string kind_of(const RedirectVerdict& verdict) {
  if (const auto* code = std::get_if<config::Secret>(&verdict)) return "code " + std::string(code->reveal());
  if (const auto* error = std::get_if<TokenError>(&verdict)) return "error " + error->error;
  return "foreign";
}

}  // namespace

TEST_CASE("the authorization request is RFC 6749's with RFC 7636's challenge") {
  const std::string start_of_url =
      "client_id=app&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A8095&scope=mail%20offline_access&state=" +
      state + "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
  struct Row {
    std::string endpoint;
    std::string owner;
    std::string before;
    std::string behind;
  };
  for (const Row& row : std::vector<Row>{
           {"https://login.example/authorize", "", "?", "&prompt=consent"},
           {"https://login.example/authorize?tenant=7", "", "&", "&prompt=consent"},
           {"https://login.example/authorize", "jane@example.test", "?",
            "&login_hint=jane%40example.test&prompt=consent"},
           {"https://login.microsoftonline.com/t/oauth2/v2.0/authorize", "", "?",
            "&response_mode=query&prompt=select_account"},
           {"https://login.microsoftonline.com/t/oauth2/v2.0/authorize", "jane@example.test", "?",
            "&login_hint=jane%40example.test&response_mode=query"},
           {"https://accounts.google.com/o/oauth2/v2/auth", "", "?", "&access_type=offline&prompt=consent"},
       }) {
    config::Identity identity = identity_at(row.endpoint);
    identity.owner = row.owner;
    const Authorization made(identity, "http://localhost:8095", rfc_7636_seed(), start);
    CHECK(made.url() == row.endpoint + row.before + start_of_url + row.behind);
    CHECK(made.ends() == start + 5min);
  }
  config::Identity plain = identity_at("https://login.example/authorize");
  plain.provider.scope = "mail-w";
  CHECK(Authorization(plain, "https://localhost", {}, start).url().find("prompt") == std::string::npos);
}

TEST_CASE("a code is redeemed with the verifier of RFC 7636 and the same redirect URI") {
  config::Identity identity = identity_at("https://login.example/authorize");
  const Authorization made(identity, "https://localhost", rfc_7636_seed(), start);
  const std::string fields =
      "client_id=app&grant_type=authorization_code&code=c%2Fd&redirect_uri=https%3A%2F%2Flocalhost"
      "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const config::Secret code("c/d");
  const TokenRequest request = made.redeem(identity, {}, {.code = code, .now = {}});
  CHECK(request.url == "https://login.example/token");
  CHECK(request.body.reveal() == fields);
  identity.client_secret = config::Secret("a+b");
  CHECK(made.redeem(identity, {}, {.code = code, .now = {}}).body.reveal() == fields + "&client_secret=a%2Bb");
}

TEST_CASE("FAULTS 49: a redirect counts once, within 5 minutes and with the right state") {
  struct Row {
    std::string query;
    std::string verdict;
  };
  for (const Row& row : std::vector<Row>{
           {"code=abc&state=" + state, "code abc"},
           {"session_state=1&state=" + state + "&code=a%2Fb+c", "code a/b c"},
           {"error=access_denied&error_description=x&state=" + state, "error access_denied"},
           {"code=abc&error=access_denied&state=" + state, "error access_denied"},
           {"error=%1b%5b2J&state=" + state, "error ?[2J"},
           {"", "foreign"},
           {"code=abc", "foreign"},
           {"error=access_denied", "foreign"},
           {"code=abc&state=", "foreign"},
           {"code=abc&state=" + state.substr(1), "foreign"},
           {"code=abc&state=B" + state.substr(1), "foreign"},
           {"code=abc&state=" + state + "A", "foreign"},
           {"state=" + state, "foreign"},
           {"code=&state=" + state, "foreign"},
           {"code=abc&code=def&state=" + state, "foreign"},
           {"code=abc&state=x&state=" + state, "foreign"},
           {"code=%zz&state=" + state, "foreign"},
           {"code=%a&state=" + state, "foreign"},
       }) {
    CAPTURE(row.query);
    Authorization one = authorization();
    CHECK(kind_of(one.received(row.query, start + 1s)) == row.verdict);
    // What is foreign does not end it, what is not does.
    CHECK(kind_of(one.received("code=next&state=" + state, start + 2s)) ==
          (row.verdict == "foreign" ? "code next" : "foreign"));
  }
  Authorization late = authorization();
  CHECK(kind_of(late.received("code=abc&state=" + state, start + 299'999ms)) == "code abc");
  late = authorization();
  CHECK(kind_of(late.received("code=abc&state=" + state, start + 5min)) == "error sign_in_expired");
}

TEST_CASE("what a person pastes is an address or its query, whatever a terminal put around it") {
  struct Row {
    std::string_view pasted;
    std::string_view query;
  };
  for (const Row& row : std::vector<Row>{
           {"https://localhost/?code=a&state=b", "code=a&state=b"},
           {"  \"https://localhost/?code=a&state=b#\"\r\n", "code=a&state=b"},
           {"?code=a&state=b", "code=a&state=b"},
           {"code=a&state=b\n", "code=a&state=b"},
           {"<https://localhost/cb?code=a&state=b#frag>", "code=a&state=b"},
           {"https://localhost/", ""},
           {" \n", ""},
           {"", ""},
       }) {
    CHECK(query_in(row.pasted) == row.query);
  }
}

TEST_CASE("form encoding is undone, or refused") {
  struct Row {
    std::string_view text;
    const char* value;
  };
  for (const Row& row : std::vector<Row>{{"", ""},
                                         {"a+b%20c%2b", "a b c+"},
                                         {"%C3%A4", "\xC3\xA4"},
                                         {"%", nullptr},
                                         {"%4", nullptr},
                                         {"a%4g", nullptr}}) {
    CAPTURE(row.text);
    const auto value = url_decoded(row.text);
    REQUIRE(value.has_value() == (row.value != nullptr));
    if (value) CHECK(value->reveal() == row.value);
  }
}
