// Every way a configuration can be wrong: {text, what is said about it}.

#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "config/load.h"
#include "tests/config/configuration_text.h"
#include "tests/config/temporary_directory.h"

namespace saslift::config {
namespace {

using namespace test;

struct Row {
  std::string toml;
  std::vector<std::string> problems;  // line:column: text, all of them
};

class Fixture {
 public:
  Fixture() {
    directory_.write("office.secret", "8Q~s3cret\n");
    directory_.write("guid.secret", "6f9619ff-8b86-d011-b42d-00c04fc964ff\r\n");
    directory_.write("lines.secret", "one\ntwo\n");
    directory_.write("empty.secret", "\n");
    directory_.write("open.secret", "8Q~s3cret", 0644);
    directory_.write("certificate.pem", certificate_block);
    directory_.write("key.pem", key_block);
    directory_.write("locked.pem", std::string(certificate_block) +
                                       "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n");
  }

  // Without the name of the file; the directory is shown as DIR.
  std::vector<std::string> problems(const std::string& toml) const {
    const std::string path = (directory_.path() / "saslift.toml").string();
    const auto loaded = load_text(toml, path);
    std::vector<std::string> texts;
    if (loaded) return texts;
    for (const Problem& problem : loaded.error()) {
      std::string text = problem.message();
      REQUIRE(text.starts_with(path + ":"));
      text.erase(0, path.size() + 1);
      const std::string directory = directory_.path().string();
      if (const auto found = text.find(directory); found != std::string::npos)
        text.replace(found, directory.size(), "DIR");
      texts.push_back(std::move(text));
    }
    return texts;
  }

 private:
  TemporaryDirectory directory_{ordinary_parent()};
};

void check(const std::vector<Row>& rows) {
  const Fixture fixture;
  for (const Row& row : rows) {
    INFO(row.toml.substr(0, 2000));
    CHECK(fixture.problems(row.toml) == row.problems);
  }
}

std::string with_account(const std::string& account) { return account + identity_with(""); }
std::string with_listener(const std::string& lines) { return "[[listener]]\nprotocol = \"smtp\"\n" + lines; }

TEST_CASE("FAULTS 82: of syntax errors the first is told, without the text of a secret") {
  const std::string header =
      ":1: not valid TOML: a section reads [service], [account.NAME] or [[listener]], alone on its line";
  check({
      {"[service\n", {"1" + header}},
      {"\n[log] level = \"info\"\n", {"2" + header}},
      {"[]\n", {"1" + header}},
      {"[[[listener]]]\n", {"1:3: not valid TOML: a name stands between the brackets: [[listener]]"}},
      {"\n [[=", {"2:4: not valid TOML: a name stands between the brackets: [[listener]]"}},
      {"[[ [a]]\n", {"1:4: not valid TOML: a name stands between the brackets: [[listener]]"}},
  });
  const Fixture fixture;
  const auto check_start = [&](const std::string& toml, const std::string& line, const std::string& text) {
    INFO(toml);
    const auto problems = fixture.problems(toml);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with(line + ":"));
    INFO(problems[0]);
    CHECK(problems[0].find(": not valid TOML: " + text) != std::string::npos);
  };
  for (const char* value :
       {"info", "8Q~c4nary", "123456789012345678901234", "true8Q", "t8Q~c4nary", "\"c4nary", "\"c4nary\" \"c4nary\"",
        "\"c4nary\\q\"", "2024-99-99", "'c4nary", "{ a = c4nary }", "[1, c4nary"}) {
    check_start("[log]\nlevel = " + std::string(value) + "\n", "2",
                "the value cannot be read; text stands in quotes on one line, key = \"text\", and a '\\' in it is "
                "written twice");
  }
  check_start("[log]\nlevel\n", "2", "a line is [section], key = value, or # comment");
  check_start("[log]\n= 3\n", "2", "a line is [section], key = value, or # comment");
  check_start("[log]\nlevel = \"info\"\nlevel = \"c4nary\"\n", "3", "cannot redefine existing string 'level'");
  check_start("[log]\n[log]\n", "2", "cannot redefine existing table 'log'");
  check_start("[log]\n\"a\\nb\" = 1\n\"a\\nb\" = 2\n", "3", "cannot redefine existing integer");
}

TEST_CASE("FAULTS 82: unknown keys and sections are told with what was meant") {
  check({
      {"[servise]\n", {"1:2: unknown section 'servise'; did you mean 'service'?"}},
      {"workers = 3\n",
       {"1:1: unknown key 'workers'; there are: [service], [log], [provider.NAME], [identity.NAME], [account.NAME], "
        "[[listener]]"}},
      {"[service]\nworker = 3\n", {"2:1: unknown key 'worker' in [service]; did you mean 'workers'?"}},
      {"[log]\nfile = \"x\"\n", {"2:1: unknown key 'file' in [log]; its keys are: level, format"}},
      {"[log]\n\"le\\u001bvel\" = \"info\"\n", {"2:1: unknown key 'le\\x1bvel' in [log]; did you mean 'level'?"}},
      {with_account(account_with("pasword = \"x\"\nalow = []")),
       {"5:1: unknown key 'pasword' in [account.reception]; did you mean 'password'?",
        "6:1: unknown key 'alow' in [account.reception]; did you mean 'allow'?"}},
      {identity_with("secret = 1"),
       {"5:1: unknown key 'secret' in [identity.office]; its keys are: provider, imap, pop3, smtp, token_endpoint, "
        "scope, "
        "mechanism, ca_file, smtp_extensions, authorization_endpoint, device_authorization_endpoint, tenant, "
        "client_id, "
        "grant, client_secret, owner"}},
      {with_listener("address = \"127.0.0.1:1\"\ntlss = \"off\""),
       {"4:1: unknown key 'tlss' in [[listener]]; did you mean 'tls'?"}},
      {"[provider.lab]\nsmtp = { host = \"a\", port = 1, tls = \"implicit\", por = 2 }\n",
       {"2:50: unknown key 'por' in 'smtp' of [provider.lab]; did you mean 'port'?"}},
  });
}

TEST_CASE("keys that do nothing yet say so") {
  check({
      {"[service]\nconsole = \"off\"\nmetrics = \"off\"\n",
       {"2:1: 'console' is not supported in this version; take it out",
        "3:1: 'metrics' is not supported in this version; take it out"}},
      {identity_with("owner = \"a@b.c\"\nauthorization_endpoint = \"x\"\ndevice_authorization_endpoint = \"x\""),
       {"5:1: 'owner' is not supported in this version; take it out",
        "6:1: 'authorization_endpoint' is not supported in this version; take it out",
        "7:1: 'device_authorization_endpoint' is not supported in this version; take it out"}},
      {identity_with("grant = \"device_code\""),
       {"5:9: grant 'device_code' is not supported in this version; the one that is: client_credentials"}},
      {identity_with("grant = \"client_credential\""),
       {"5:9: there is no grant 'client_credential'; the one in this version is client_credentials"}},
      {with_listener("address = \"127.0.0.1:1\"\ntls = \"auto\""),
       {"4:7: tls = \"auto\" is not supported in this version; it is one of: off, starttls, implicit"}},
  });
}

TEST_CASE("values of the wrong kind are told with the right form") {
  check({
      {"service = 1\n", {"1:1: 'service' should be a table: [service]"}},
      {"[service]\ndrain = 25\n",
       {"2:9: 'drain' is a number, but should be a time with its unit: drain = \"25s\" (ms, s, m, h)"}},
      {"[service]\ndrain = \"25\"\n",
       {"2:9: 'drain' should be a whole number with its unit: drain = \"25s\" (ms, s, m, h)"}},
      {"[service]\ndrain = \"2h\"\nlogin_timeout = \"99ms\"\n",
       {"2:9: 'drain' should be at most 1h", "3:17: 'login_timeout' should be between 100ms and 5m"}},
      {"[service]\nworkers = \"2\"\n", {"2:11: 'workers' is text, but should be a whole number without quotes"}},
      {"[service]\nworkers = -1\n", {"2:11: 'workers' should be between 0 and 256"}},
      {"[service]\nworkers = 1.5\n", {"2:11: 'workers' is a float, but should be a whole number without quotes"}},
      {"[service]\nhostname = 2024-01-01\n",
       {"2:12: 'hostname' is a date or time, but should be text in quotes: hostname = \"...\""}},
      {"[service]\nhostname = \"a b\"\nstate_dir = \"\"\n",
       {"2:12: 'a b' is no host name; it has letters, digits and '-' between dots",
        "3:13: 'state_dir' is empty; fill it in or leave the line out"}},
      {"[service]\nca_file = \"absent.pem\"\n",
       {"2:11: 'DIR/absent.pem' cannot be read; 'ca_file' names a file of PEM certificates"}},
      {"[service]\nca_file = \"key.pem\"\n",
       {"2:11: 'DIR/key.pem' holds no PEM certificate (-----BEGIN CERTIFICATE-----)"}},
      {"[service]\nca_file = \"file:key.pem\"\n", {"2:11: 'ca_file' is a plain file name: ca_file = \"key.pem\""}},
      {"[log]\nlevel = \"inof\"\nformat = \"xml\"\n",
       {"2:9: 'level' cannot be 'inof'; it is one of: debug, info, warning, error; did you mean 'info'?",
        "3:10: 'format' cannot be 'xml'; it is one of: text, json"}},
      {with_account(account_with("allow = \"::1\"\nshared_password = 1")),
       {"5:9: 'allow' is text, but should be a list of text: allow = [\"...\", \"...\"]",
        "6:19: 'shared_password' is a number, but should be true or false, without quotes"}},
      {with_account(account_with("allow = [1]\nprotocols = []")),
       {"5:10: 'allow' lists a number, but should list text in quotes",
        "6:13: 'protocols' is empty; fill it in or leave the line out"}},
      {identity_with("imap = \"host\""), {"5:8: 'imap' is text, but should be a table"}},
  });
}

TEST_CASE("names are plain, and whoever wrote another is shown the right form") {
  const std::string rest = "\nidentity = \"office\"\npassword = \"" + std::string(good_hash) + "\"\n";
  check({
      {"[account.scans@contoso.com]\n",
       {"1:1: 'scans@contoso.com' cannot name an account: a name has only letters, digits, '-' and '_'; write "
        "[account.scans] and below it login = \"scans@contoso.com\""}},
      {"[account.\"scans@contoso.com\"]\n",
       {"1:10: 'scans@contoso.com' cannot name an account: a name has only letters, digits, '-' and '_'; write "
        "[account.scans] and below it login = \"scans@contoso.com\""}},
      {"[account.*@contoso.com]\n",
       {"1:1: '*@contoso.com' cannot name an account: a name has only letters, digits, '-' and '_'; write "
        "[account.everyone] and below it login = \"*@contoso.com\""}},
      {"[account.front desk]\n",
       {"1:1: 'front desk' cannot name an account: a name has only letters, digits, '-' and '_'; write "
        "[account.front-desk]"}},
      {"[account.\"a\\u0007b\"]\n",
       {"1:10: 'a\\x07b' cannot name an account: a name has only letters, digits, '-' and '_'; write "
        "[account.a-b]"}},
      {"[account.office.printer]" + rest,
       {"1:17: a name has no dot: instead of [account.office.printer] write [account.office-printer]"}},
      {"[identity.\"a b\"]\n[provider.\"\"]\n",
       {"1:11: 'a b' cannot name an identity: a name has only letters, digits, '-' and '_'; write [identity.a-b]",
        "2:11: '' cannot name a provider: a name has only letters, digits, '-' and '_'; write "
        "[provider.everyone]"}},
      {"[account]\nlogin = \"a\"\n", {"2:1: 'login' stands below no name; the table above it is [account.NAME]"}},
      {"[[account]]\nlogin = \"a\"\n", {"1:3: 'account' is neither a list nor a value; write [account.NAME] for each"}},
  });
}

TEST_CASE("identities say what they lack") {
  check({
      {"[identity.office]\n",
       {"1:11: [identity.office] has no 'client_id'; it is the app registration's Application (client) ID",
        "1:11: [identity.office] has no 'client_secret'; client_secret = \"file:NAME.secret\" names the file it is in",
        "1:11: [identity.office] has no 'tenant'; it is the directory's domain or ID, such as "
        "contoso.onmicrosoft.com"}},
      {identity_with("provider = \"exchange-onlin\""),
       {"5:12: there is no provider 'exchange-onlin'; did you mean 'exchange-online'?"}},
      {identity_with("provider = \"contoso\""),
       {"5:12: there is no provider 'contoso'; the presets are exchange-online, exchange-gcc-high, exchange-china, "
        "outlook-com, gmail, yahoo, aol; others need a table [provider.NAME]"}},
      {identity_with("provider = \"exchange-dod\""),
       {"5:12: no preset 'exchange-dod': its host names could not be verified; describe them in a table "
        "[provider.NAME]"}},
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
  const Fixture fixture;
  for (const std::string name : {"outlook-com", "gmail", "yahoo", "aol"}) {
    CHECK(
        fixture.problems(identity_with("provider = \"" + name + "\"")) ==
        std::vector<std::string>{"5:12: '" + name +
                                 "' gives no token to an app alone (grant client_credentials): its mailboxes belong to "
                                 "people who sign in, which is not supported in this version"});
  }
}

TEST_CASE("shared tenants have no app of their own") {
  const Fixture fixture;
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

TEST_CASE("passwords are hashes; the password itself is refused and not shown") {
  const auto password = [](const std::string& written, const std::string& login) {
    return with_account("[account.reception]\nidentity = \"office\"\nmailbox = \"a@b.c\"\nlogin = " + login +
                        "\npassword = \"" + written + "\"\n");
  };
  check({
      {password("c4nary", "\"scanner\""),
       {"5:12: 'password' takes a hash, never the password itself; make one with: saslift password scanner"}},
      {password("file:x", "\"*@b.c\""),
       {"1:10: [account.reception] has a wildcard and must say for what: protocols = [\"smtp\"]",
        "3:11: a wildcard opens the mailbox that is the login; take 'mailbox' out",
        "5:12: 'password' takes a hash, never the password itself; make one with: saslift password reception"}},
      {with_account("[account.reception]\nidentity = \"office\"\nmailbox = \"a@b.c\"\n"),
       {"1:10: [account.reception] has no 'password'; make one with: saslift password reception"}},
  });
}

TEST_CASE("accounts say what they lack") {
  const std::string password = "password = \"" + std::string(good_hash) + "\"\n";
  check({
      {with_account("[account.reception]\nidentity = \"office\"\n" + password),
       {"1:10: [account.reception] has no 'mailbox', and no login of it is an address; add mailbox = "
        "\"scans@contoso.com\""}},
      {with_account("[account.reception]\nmailbox = \"scans@contoso.com\"\n" + password),
       {"1:10: [account.reception] has no 'identity'; it names the [identity.NAME] whose tokens open the mailbox"}},
      {with_account("[account.reception]\nidentity = \"offise\"\nmailbox = \"scans\"\n" + password),
       {"2:12: there is no identity 'offise'; did you mean 'office'?"}},
      {with_account("[account.reception]\nidentity = \"lab\"\nmailbox = \"scans@contoso.com\"\n" + password),
       {"2:12: there is no identity 'lab'; it needs a table [identity.NAME]"}},
      {with_account(account_with("mailbox = \"scans\"")),
       {"5:11: 'scans' is no mailbox; write its address, such as scans@contoso.com"}},
      {with_account(account_with("mailbox = \"a\\u0001user=b@c.d\"")),
       {"5:11: 'mailbox' has a control character or a line break; take it out"}},
      {with_account(account_with("", "a\\nb@c.d")),
       {"4:9: 'login' has a control character or a line break; take it out"}},
      {with_account(account_with("", std::string(321, 'a'))), {"4:9: 'login' is longer than 320 bytes"}},
      {with_account(account_with("allow = [\"192.168.10.0/33\", \"printer\"]")),
       {"5:10: '192.168.10.0/33' is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private",
        "5:29: 'printer' is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private"}},
      {with_account(account_with("protocols = [\"imap\", \"pop\", \"imap\"]")),
       {"5:22: 'pop' is no protocol; it is one of: imap, pop3, smtp; did you mean 'pop3'?",
        "5:29: 'protocols' lists imap twice; take one out"}},
      {with_account(account_with("shared_password = true")),
       {"5:19: 'shared_password' belongs to a wildcard login; take it out"}},
      {account_with("protocols = [\"pop3\"]") +
           "[identity.office]\nprovider = \"lab\"\nclient_id = \"id\"\nclient_secret = \"file:office.secret\"\n"
           "[provider.lab]\ntoken_endpoint = \"https://a/b\"\nsmtp = { host = \"a\", port = 1, tls = \"implicit\" }\n",
       {"5:14: the provider 'lab' has no pop3 server; take pop3 out or give it one"}},
      // Its identity is declared, only broken: one problem.
      {account_with("") + "[identity.office]\nprovider = \"gmial\"\nclient_id = \"id\"\nclient_secret = "
                          "\"file:office.secret\"\n",
       {"7:12: there is no provider 'gmial'; did you mean 'gmail'?"}},
  });
}

TEST_CASE("FAULTS 48: a wildcard is one whole domain, says for what, and shares no mail unasked") {
  const auto stranger = [](const std::string& login) {
    return "4:9: '" + login + "' would let in whom you do not know; a wildcard is one whole domain: \"*@contoso.com\"";
  };
  check({
      {with_account(account_with("", "*")), {stranger("*")}},
      {with_account(account_with("", "*@*")), {stranger("*@*")}},
      {with_account(account_with("", "*@")), {stranger("*@")}},
      {with_account(account_with("", "scan*@contoso.com")), {stranger("scan*@contoso.com")}},
      {with_account(account_with("", "*@contoso.com")),
       {"1:10: [account.reception] has a wildcard and must say for what: protocols = [\"smtp\"]"}},
      {with_account(account_with("protocols = [\"smtp\", \"imap\"]", "*@contoso.com")),
       {"5:13: with one password for a whole domain everybody could read everybody's mail; list smtp alone, or say "
        "shared_password = true"}},
      {with_account(account_with("protocols = [\"imap\"]\nshared_password = false", "*@contoso.com")),
       {"5:13: with one password for a whole domain everybody could read everybody's mail; list smtp alone, or say "
        "shared_password = true"}},
      {with_account("[account.reception]\nidentity = \"office\"\npassword = \"" + std::string(good_hash) +
                    "\"\nlogin = [\"*@contoso.com\", \"boss\"]\nprotocols = [\"smtp\"]\n"),
       {"4:9: a wildcard and a single login cannot share an account; give each its own"}},
  });
}

TEST_CASE("FAULTS 82: a login belongs to one account, whatever its case") {
  check({
      {with_account(account_with("", "scans@contoso.com") +
                    "[account.other]\nlogin = [\"Other\", \"OTHER\", "
                    "\"Scans@Contoso.com\"]\nidentity = \"office\"\npassword = "
                    "\"" +
                    std::string(good_hash) + "\"\n"),
       {"7:19: [account.other] lists login 'OTHER' twice (case does not matter); take one out",
        "7:28: login 'Scans@Contoso.com' of [account.other] already belongs to [account.reception] (line 4); case does "
        "not matter"}},
      {with_account(account_with("", "other@contoso.com") +
                    "[account.b]\nlogin = \"RECEPTION\"\nmailbox = "
                    "\"a@b.c\"\nidentity = \"office\"\npassword = \"" +
                    std::string(good_hash) +
                    "\"\n[account.c]\nlogin = \"reception\"\nmailbox = \"a@b.c\"\nidentity = "
                    "\"office\"\npassword = \"" +
                    std::string(good_hash) + "\"\n"),
       {"12:9: login 'reception' of [account.c] already belongs to [account.b] (line 7); case does not matter"}},
  });
}

TEST_CASE("FAULTS 54: listeners off loopback are refused") {
  const std::string refused = "3:11: listeners off loopback are not supported in this version; use 127.0.0.1 or [::1]";
  check({
      {with_listener("address = \"0.0.0.0:587\""), {refused}},
      {with_listener("address = \"[::]:587\""), {refused}},
      {with_listener("address = \"192.168.10.2:587\""), {refused}},
      {with_listener("address = \"[::ffff:192.168.10.2]:587\""), {refused}},
      {with_listener("address = \"127.0.0.1:587\"\nallow = [\"private\", \"nonsense\"]"),
       {"4:9: 'allow' on a listener is for those off loopback, which are not supported in this version; take it out",
        "4:21: 'nonsense' is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private"}},
  });
}

TEST_CASE("listeners say what they lack") {
  const std::string local = "address = \"127.0.0.1:1587\"\n";
  check({
      {"[[listener]]\n",
       {"1:1: [[listener]] has no 'protocol'; it is imap, pop3 or smtp",
        "1:1: [[listener]] has no 'address'; it reads 127.0.0.1:1587 or [::1]:1587"}},
      {"[listener]\nprotocol = \"smtp\"\n", {"1:2: listeners stand in double brackets: [[listener]]"}},
      {"listener = []\n", {"1:1: 'listener' is empty; fill it in or leave it out for the default ones"}},
      {"listener = [1]\n", {"1:13: a listener is a table: [[listener]]"}},
      {"[[listener]]\nprotocol = \"pop\"\naddress = \"localhost:110\"\n",
       {"2:12: 'protocol' cannot be 'pop'; it is one of: imap, pop3, smtp; did you mean 'pop3'?",
        "3:11: 'localhost:110' is no address to listen on; it reads 127.0.0.1:1587 or [::1]:1587, in numbers and with "
        "its port"}},
      {with_listener(local) + "[[listener]]\nprotocol = \"imap\"\naddress = \"[::ffff:127.0.0.1]:1587\"\n",
       {"6:11: 127.0.0.1:1587 is already taken by the listener of line 3; give it another port"}},
      {with_listener(local + "tls = \"starttls\""),
       {"1:1: a listener with TLS needs 'certificate': certificate = \"file:tls.pem\", chain and key"}},
      {with_listener(local + "certificate = \"file:key.pem\""),
       {"4:15: 'certificate' does nothing while tls is off; set tls = \"starttls\" or \"implicit\""}},
      {with_listener(local + "tls = \"implicit\"\ncertificate = \"file:certificate.pem\""),
       {"5:15: 'certificate' holds no private key (-----BEGIN PRIVATE KEY-----); it goes into the same file"}},
      {with_listener(local + "tls = \"implicit\"\ncertificate = \"file:key.pem\""),
       {"5:15: 'certificate' holds no PEM certificate (-----BEGIN CERTIFICATE-----)"}},
      {with_listener(local + "tls = \"implicit\"\ncertificate = \"file:locked.pem\""),
       {"5:15: the key in 'certificate' needs a passphrase; store it without: openssl pkey -in ... -out ..."}},
      {with_listener(local + "plaintext_login = \"never\""),
       {"4:19: with plaintext_login = \"never\" and no TLS nobody could log in; set tls as well"}},
  });
}

TEST_CASE("all problems are told at once, in the order of the file") {
  check({{"[log]\nlevel = \"x\"\n[[listener]]\nprotocol = \"imap\"\naddress = \"0.0.0.0:1\"\n[service]\nfoo = 1\n",
          {"2:9: 'level' cannot be 'x'; it is one of: debug, info, warning, error",
           "5:11: listeners off loopback are not supported in this version; use 127.0.0.1 or [::1]",
           "7:1: unknown key 'foo' in [service]; its keys are: state_dir, workers, drain, login_timeout, hostname, "
           "ca_file, console, metrics"}}});
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  text.reserve(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

TEST_CASE("FAULTS 82: hostile files are refused, not suffered") {
  const std::string deep = "nested more than 16 deep: no setting needs that";
  const std::string dotted = "a dotted key of more than 16 parts: no setting needs that";
  check({
      {std::string(largest_configuration + 1, '#'), {" is over 1 MiB; no configuration needs that"}},
      {repeated("a.", 200'000) + "b = 1\n", {"1:32: " + dotted}},
      {"[" + repeated("a.", 200'000) + "b]\n", {"1:33: " + dotted}},
      {"[" + repeated("\"a\" . ", 100'000) + "b]\n", {"1:96: " + dotted}},
      {"x = { y = { " + repeated("a.", 200'000) + "b = 1 } }\n", {"1:44: " + dotted}},
      {"a = \"\"\"\n\"\" \\\" \"\"\"\"\"\n" + repeated("a.", 200'000) + "b = 1\n", {"3:32: " + dotted}},
      {"a = '''\n\\'''\n" + repeated("a.", 200'000) + "b = 1\n", {"3:32: " + dotted}},
      {"# \"\n" + repeated("a.", 200'000) + "b = 1\n", {"2:32: " + dotted}},
      {"x = " + repeated("[", 500'000), {"1:21: " + deep}},
      {"x = " + repeated("{a=", 300'000), {"1:53: " + deep}},
      {"x = " + repeated("[\n", 300'000), {"17:1: " + deep}},
  });
  const Fixture fixture;
  CHECK(fixture.problems(std::string(largest_configuration, '#')).empty());
  CHECK(fixture.problems(std::string("\0\0\0", 3)).size() == 1);
  CHECK(fixture.problems("\xff\xfe[service]\n").size() == 1);
  CHECK(fixture.problems("x = \"" + std::string(1'000'000, 'a')).size() == 1);
  CHECK(fixture.problems(std::string(1'000'000, 'a') + " = 1\n").front().size() < 300);
  CHECK(fixture.problems(repeated("[[listener]]\n", 70'000)).size() == 101);
  CHECK(fixture.problems(repeated("[[listener]]\n", 70'000)).back() == " and 139900 more problems");
}

TEST_CASE("FAULTS 82: every beginning of a good file, and each of its bytes changed, is taken or refused") {
  const Fixture fixture;
  const std::string good = "[service]\ndrain = \"25s\"\n" + account_with("allow = [\"::1\"]") + identity_with("") +
                           with_listener("address = \"127.0.0.1:0\"\n");
  CHECK(fixture.problems(good).empty());
  for (std::size_t i = 0; i < good.size(); ++i) {
    (void)fixture.problems(good.substr(0, i));
    for (const char wrong : {'\0', '"', '[', '.', '=', '\xff'}) {
      std::string changed = good;
      changed[i] = wrong;
      for (const std::string& text : fixture.problems(changed)) {
        if (text.find("8Q~s3cret") != std::string::npos) FAIL(text);
      }
    }
  }
}

}  // namespace
}  // namespace saslift::config
