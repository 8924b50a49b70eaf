#include "auth/token_facts.h"

#include "auth/grants/base64url.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::auth;

namespace {

std::string jwt(std::string_view claims) {
  return to_base64url(R"({"alg":"RS256"})") + '.' + to_base64url(claims) + ".canary-of-a-signature";
}

std::string shown(std::string_view claims) {
  std::string text;
  for (const TokenFact& fact : facts_of_token(jwt(claims))) text += fact.name + '=' + fact.value + '\n';
  return text;
}

config::Provider with(std::vector<config::Protocol> protocols) {
  config::Provider provider;
  for (const config::Protocol protocol : protocols) {
    const config::Endpoint endpoint{.host = "h", .port = 1};
    if (protocol == config::Protocol::imap) provider.imap = endpoint;
    if (protocol == config::Protocol::pop3) provider.pop3 = endpoint;
    if (protocol == config::Protocol::smtp) provider.smtp = endpoint;
  }
  return provider;
}

}  // namespace

TEST_CASE("an access token's claims are shown, those that help to prove an identity") {
  CHECK(shown(R"({"exp":1700000000,"aud":"https://outlook.office365.com","tid":"t","appid":"a","uti":"x",
      "roles":["IMAP.AccessAsApp","SMTP.SendAsApp"],"idtyp":"app","nbf":1699996400})") ==
        "aud=https://outlook.office365.com\ntid=t\nappid=a\nidtyp=app\nroles=IMAP.AccessAsApp SMTP.SendAsApp\n"
        "nbf=2023-11-14T21:13:20Z\nexp=2023-11-14T22:13:20Z\n");
  CHECK(shown(R"({"upn":"jane@contoso.com","scp":"IMAP.AccessAsUser.All SMTP.Send"})") ==
        "upn=jane@contoso.com\nscp=IMAP.AccessAsUser.All SMTP.Send\n");
  CHECK(shown(R"({"aud":["a","b"],"upn":"\u001b[2J","exp":"soon","nbf":-1,"tid":7,"roles":[1,"r"]})") ==
        "aud=a b\nupn=?[2J\nroles=r\n");
  CHECK(shown(R"({"exp":1e300})").empty());
  CHECK(shown("[]").empty());
  CHECK(facts_of_token("EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA").empty());
  CHECK(facts_of_token("a.!.c").empty());
  CHECK(facts_of_token("").empty());
}

TEST_CASE("what the mail servers will refuse is said beforehand") {
  using enum config::Protocol;
  struct Row {
    std::string claims;
    std::vector<config::Protocol> protocols;
    std::vector<std::string> starts;
  };
  const std::string exchange = R"({"aud":"https://outlook.office365.com")";
  for (const Row& row : std::vector<Row>{
           {exchange + R"(,"roles":["IMAP.AccessAsApp","SMTP.SendAsApp"]})", {imap, smtp}, {}},
           {exchange + R"(,"roles":["IMAP.AccessAsApp"]})",
            {imap, pop3, smtp},
            {"the token has no POP.AccessAsApp, so pop3 ", "the token has no SMTP.SendAsApp, so smtp "}},
           {exchange + "}", {imap}, {"the token has no IMAP.AccessAsApp, so imap "}},
           {exchange + R"(,"scp":"SMTP.Send"})", {imap, smtp}, {"the token has no IMAP.AccessAsUser.All, so imap "}},
           {R"({"aud":"00000003-0000-0000-c000-000000000000"})", {imap}, {"the token is for Microsoft Graph"}},
           {R"({"aud":"https://graph.microsoft.com/"})", {imap}, {"the token is for Microsoft Graph"}},
           {R"({"aud":"https://mail.example"})", {imap}, {}},
           {"{}", {imap}, {}},
       }) {
    CAPTURE(row.claims);
    const auto doubts = doubts_about(facts_of_token(jwt(row.claims)), with(row.protocols));
    REQUIRE(doubts.size() == row.starts.size());
    for (std::size_t at = 0; at < doubts.size(); ++at) CHECK(doubts[at].starts_with(row.starts[at]));
  }
}
