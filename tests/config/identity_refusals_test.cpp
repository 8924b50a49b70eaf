// What is wrong with [identity.NAME] and [provider.NAME].

#include <algorithm>

#include "tests/config/refusals.h"

namespace saslift::config {
namespace {

using namespace test;

TEST_CASE("identities say what they lack") {
  check({
      {"[identity.office]\n",
       {"1:11: [identity.office] has no 'client_id'; it is the app registration's Application (client) ID",
        "1:11: [identity.office] has no 'client_secret', nor a 'certificate'; client_secret = "
        "\"file:NAME.secret\" names the file it is in",
        "1:11: [identity.office] has no 'tenant'; it is the directory's domain or ID, such as "
        "contoso.onmicrosoft.com"}},
      {identity_with("provider = \"exchange-onlin\""),
       {"5:12: there is no provider 'exchange-onlin'; did you mean 'exchange-online'?"}},
      {identity_with("provider = \"contoso\""),
       {"5:12: there is no provider 'contoso'; the presets are exchange-online, exchange-gcc-high, exchange-dod, "
        "exchange-china, outlook-com, gmail, yahoo, aol; others need a table [provider.NAME]"}},
      {"[provider.gmail]\n",
       {"1:11: 'gmail' is a preset; give your own provider another name, or override single fields in the identity"}},
      {"[identity.office]\ntenant = \"contoso/../x\"\nclient_id = \"a b\"\nclient_secret = \"x~y\"\n",
       {"2:10: 'contoso/../x' is no tenant; it is the directory's domain or ID, such as contoso.onmicrosoft.com",
        "3:13: 'client_id' has a space; take it out"}},
      {"[provider.lab]\nscope = \"x\"\n[identity.office]\nprovider = \"lab\"\nclient_id = \"id\"\nclient_secret = "
       "\"file:office.secret\"\n",
       {"3:11: [identity.office] has no 'token_endpoint', nor has its provider; it reads https://host/path",
        "3:11: the provider of [identity.office] has no mail server; give it 'imap', 'pop3' or 'smtp'"}},
  });
}

TEST_CASE("presets of people's mailboxes refuse an app's own grant") {
  const RefusalFixture fixture;
  for (const std::string name : {"outlook-com", "gmail", "yahoo", "aol"}) {
    for (const std::string grant : {"client_credentials", "federated", "managed_identity"}) {
      CAPTURE(name, grant);
      const auto told = fixture.problems("[identity.a]\nprovider = \"" + name + "\"\ngrant = \"" + grant + "\"\n");
      const std::string workspace = name == "gmail" ? ", or \"service_account\" of a Workspace" : "";
      CHECK(std::find(told.begin(), told.end(),
                      "2:12: '" + name + "' gives no token with grant '" + grant +
                          "': its mailboxes belong to people who sign in; use grant = \"browser\"" + workspace) !=
            told.end());
    }
  }
}

TEST_CASE("shared tenants have no app of their own") {
  const RefusalFixture fixture;
  for (const std::string tenant : {"common", "Organizations", "consumers"}) {
    CHECK(fixture.problems("[identity.a]\nclient_id = \"id\"\nclient_secret = \"file:office.secret\"\ntenant = \"" +
                           tenant + "\"\n") ==
          std::vector<std::string>{"4:10: the tenant cannot be '" + tenant +
                                   "' with client_credentials; name your own, such as contoso.onmicrosoft.com"});
  }
  CHECK(fixture.problems(
            identity_with("token_endpoint = \"https://login.microsoftonline.com/common/oauth2/v2.0/token\"")) ==
        std::vector<std::string>{"5:18: 'token_endpoint' names no tenant of its own, as client_credentials needs; put "
                                 "{tenant} there"});
}

TEST_CASE("FAULTS 47: a token endpoint is https or refused") {
  const std::string unusable =
      " is no usable 'token_endpoint'; it reads https://host/path, without user name, '?' or '#'; {tenant} may stand "
      "in "
      "it once";
  check({
      {identity_with("token_endpoint = \"http://login.lab.example/token\""),
       {"5:18: 'token_endpoint' must be https: the client secret travels to it"}},
      {identity_with("token_endpoint = \"HTTP://login.lab.example/token\""),
       {"5:18: 'token_endpoint' must be https: the client secret travels to it"}},
      {"[provider.lab]\ntoken_endpoint = \"http://a/b\"\n",
       {"2:18: 'token_endpoint' must be https: the client secret travels to it"}},
      {identity_with("token_endpoint = \"ftp://a/b\""), {"5:18: 'ftp://a/b'" + unusable}},
      {identity_with("token_endpoint = \"https://u:p@a/b\""), {"5:18: 'https://u:p@a/b'" + unusable}},
      {identity_with("token_endpoint = \"https://a/{tenant}/{tenant}\""),
       {"5:18: 'https://a/{tenant}/{tenant}'" + unusable}},
      {identity_with("token_endpoint = \"https://a/b c\""), {"5:18: 'https://a/b c'" + unusable}},
  });
}

TEST_CASE("a scope that cannot work is refused with one that does") {
  const std::string remedy = "; use scope = \"https://outlook.office365.com/.default\"";
  check({
      {identity_with("scope = \"https://graph.microsoft.com/.default\""),
       {"5:9: a 'scope' of Microsoft Graph opens no IMAP, POP3 or SMTP" + remedy}},
      {identity_with("scope = \"https://outlook.office.com/IMAP.AccessAsUser.All\""),
       {"5:9: with client_credentials 'scope' is one resource and '/.default': scope = "
        "\"https://outlook.office365.com/.default\""}},
      {identity_with("scope = \"offline_access https://outlook.office365.com/.default\""),
       {"5:9: with client_credentials 'scope' is one resource and '/.default': scope = "
        "\"https://outlook.office365.com/.default\""}},
      {identity_with("provider = \"exchange-china\"\nscope = \"https://partner.outlook.cn/\""),
       {"6:9: with client_credentials 'scope' is one resource and '/.default': scope = "
        "\"https://partner.outlook.cn/.default\""}},
      {identity_with("scope = \"a\\\"b\""), {"5:9: 'scope' takes only printable ASCII without '\"' and '\\'"}},
      {"[provider.lab]\nscope = \"https://Graph.Microsoft.us/.default\"\nimap = { host = \"a\", port = 1, tls = "
       "\"implicit\" }\ntoken_endpoint = \"https://a/b\"\n[identity.office]\nprovider = \"lab\"\nclient_id = "
       "\"id\"\nclient_secret = \"file:office.secret\"\n",
       {"2:9: a 'scope' of Microsoft Graph opens no IMAP, POP3 or SMTP" + remedy}},
  });
}

TEST_CASE("mail servers and SMTP extensions are checked") {
  const std::string known = "; it lists of PIPELINING, SIZE <bytes>, 8BITMIME, SMTPUTF8, DSN, ENHANCEDSTATUSCODES";
  check({
      {"[provider.lab]\nimap = { host = \"a:993\", port = 993, tls = \"implicit\" }\n",
       {"2:17: 'a:993' is no host name; 'host' is the bare name, the port stands in 'port'"}},
      {"[provider.lab]\nimap = { host = \"a\", port = 0, tls = \"off\" }\n",
       {"2:29: 'port' should be between 1 and 65535", "2:38: 'tls' cannot be 'off'; it is one of: implicit, starttls"}},
      {"[provider.lab]\nimap = { host = \"a\" }\n",
       {"2:1: 'imap' needs all three: imap = { host = \"...\", port = ..., tls = \"implicit\" }"}},
      {identity_with(
           "mechanism = \"xoauth\"\nsmtp_extensions = [\"CHUNKING\", \"AUTH LOGIN\", \"SIZE x\", \"8BITMIM\", "
           "\"DSN\", \"dsn\"]"),
       {"5:13: 'mechanism' cannot be 'xoauth'; it is one of: xoauth2, oauthbearer; did you mean 'xoauth2'?",
        "6:20: 'smtp_extensions' cannot list 'CHUNKING'" + known,
        "6:32: 'smtp_extensions' cannot list 'AUTH LOGIN'" + known,
        "6:46: 'smtp_extensions' cannot list 'SIZE x'" + known + "; did you mean 'SIZE'?",
        "6:56: 'smtp_extensions' cannot list '8BITMIM'" + known + "; did you mean '8BITMIME'?",
        "6:74: 'smtp_extensions' lists DSN twice; take one out"}},
  });
}

TEST_CASE("client secrets that cannot be one are refused without being shown") {
  const auto secret = [](const std::string& written) {
    return "[identity.office]\ntenant = \"contoso.com\"\nclient_id = \"id\"\nclient_secret = \"" + written + "\"\n";
  };
  const std::string secret_id =
      "4:17: 'client_secret' is the Secret ID, not the secret; take the column 'Value' of the app registration, shown "
      "once when the secret is made";
  check({
      {secret("6f9619ff-8b86-d011-b42d-00c04fc964ff"), {secret_id}},
      {secret("file:guid.secret"), {secret_id}},
      {secret("file:absent.secret"),
       {"4:17: 'client_secret': 'DIR/absent.secret' cannot be read: No such file or directory"}},
      {secret("file:empty.secret"), {"4:17: 'client_secret': the place it names holds nothing"}},
      {secret("file:lines.secret"),
       {"4:17: 'client_secret': the place it names holds several lines or control characters; it should hold the "
        "secret "
        "alone"}},
      {secret("file:open.secret"), {"4:17: 'client_secret': 'DIR/open.secret' may be read by everybody; chmod o-r it"}},
      {secret("env:SASLIFT_TEST_ABSENT"),
       {"4:17: 'client_secret': the environment has no 'SASLIFT_TEST_ABSENT'; set it where saslift is started"}},
      {secret("fil:a"), {"4:17: 'client_secret': 'fil:' is no source of secrets; did you mean 'file:'?"}},
      {secret("command:/bin/false"),
       {"4:17: 'client_secret': the command '/bin/false' failed (exit status 1); run it by hand as saslift's user to "
        "see "
        "why"}},
      {secret(""), {"4:17: 'client_secret' is empty; fill it in or leave the line out"}},
      {secret("a\\u0001b"), {"4:17: 'client_secret' has a control character or a line break; take it out"}},
  });
}

}  // namespace
}  // namespace saslift::config
