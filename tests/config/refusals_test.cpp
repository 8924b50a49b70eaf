// What is wrong with a file as a whole: syntax, keys, kinds, names, hostile shapes.

#include "tests/config/refusals.h"

namespace saslift::config {
namespace {

using namespace test;

TEST_CASE("FAULTS 82: of syntax errors the first is told, without the text of a secret") {
  const std::string header =
      ":1: not valid TOML: a section reads [service], [account.NAME] or [[listener]], alone on its line";
  check({
      {"[service\n", {"1" + header}},
      {"\n[log] level = \"info\"\n", {"2" + header}},
      {"[]\n", {"1" + header}},
      {"[service]\nhostname = \u201Chere\u201D\n",
       {"2:12: not valid TOML: these quotes are a word processor's; write \" instead"}},
      {"[service]\n\u00A0workers = 2\n", {"2:1: not valid TOML: this space is not an ordinary one; write it anew"}},
      {"\u0228 = 2\n", {"1:1: not valid TOML: a character that is not ASCII stands outside quotes"}},
      {"a = \xFC\n", {"1:5: not valid TOML: a character that is not ASCII stands outside quotes"}},
      {"[[[listener]]]\n", {"1:3: not valid TOML: a name stands between the brackets: [[listener]]"}},
      {"\n [[=", {"2:4: not valid TOML: a name stands between the brackets: [[listener]]"}},
      {"[[ [a]]\n", {"1:4: not valid TOML: a name stands between the brackets: [[listener]]"}},
  });
  const RefusalFixture fixture;
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
       {"5:1: unknown key 'secret' in [identity.office]; its keys are: grant, provider, imap, pop3, smtp, "
        "token_endpoint, scope, mechanism, ca_file, smtp_extensions, tenant, client_id, client_secret, "
        "client_secret_expires, assertion, certificate_password, certificate_key, certificate"}},
      {with_listener("address = \"127.0.0.1:1\"\ntlss = \"off\""),
       {"4:1: unknown key 'tlss' in [[listener]]; did you mean 'tls'?"}},
      {"[provider.lab]\nsmtp = { host = \"a\", port = 1, tls = \"implicit\", por = 2 }\n",
       {"2:50: unknown key 'por' in 'smtp' of [provider.lab]; did you mean 'port'?"}},
  });
}

TEST_CASE("keys that do nothing yet say so") {
  check({
      {"[service]\nconsole = \"off\"\n", {"2:1: 'console' is not supported in this version; take it out"}},
  });
}

TEST_CASE("values of the wrong kind are told with the right form") {
  check({
      {"service = 1\n", {"1:1: 'service' should be a table: [service]"}},
      {"[service]\nuser = \"root\"\n",
       {"2:8: 'root' is no name of a user but root; give the one that saslift is to run as"}},
      {"[service]\nuser = \"0\"\n", {"2:8: '0' is no name of a user but root; give the one that saslift is to run as"}},
      {"[service]\nmetrics = \"9464\"\n",
       {"2:11: '9464' is no address; write metrics = \"127.0.0.1:9464\", or \"off\""}},
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
       {"2:12: 'hostname' is a date, but should be text in quotes: hostname = \"...\""}},
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

TEST_CASE("all problems are told at once, in the order of the file") {
  check({{"[log]\nlevel = \"x\"\n[[listener]]\nprotocol = \"imap\"\naddress = \"0.0.0.0:1\"\n[service]\nfoo = 1\n",
          {"2:9: 'level' cannot be 'x'; it is one of: debug, info, warning, error",
           "5:11: a listener off loopback says whom it lets in: allow = [\"private\"], or the networks of the devices",
           "5:11: without TLS a password is taken from this machine alone, so no device could log in here; set tls = "
           "\"starttls\" or \"implicit\", or plaintext_login = \"allowed\" where the network can be trusted",
           "7:1: unknown key 'foo' in [service]; its keys are: state_dir, user, state_key, workers, "
           "smtp_connections, connections, drain, login_timeout, hostname, ca_file, http_proxy, console, metrics"}}});
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
  const RefusalFixture fixture;
  CHECK(fixture.problems(std::string(largest_configuration, '#')).empty());
  CHECK(fixture.problems(std::string("\0\0\0", 3)).size() == 1);
  CHECK(fixture.problems("\xff\xfe[service]\n").size() == 1);
  CHECK(fixture.problems("x = \"" + std::string(1'000'000, 'a')).size() == 1);
  CHECK(fixture.problems(std::string(1'000'000, 'a') + " = 1\n").front().size() < 300);
  CHECK(fixture.problems(repeated("[[listener]]\n", 70'000)).size() == 101);
  CHECK(fixture.problems(repeated("[[listener]]\n", 70'000)).back() == " and 139900 more problems");
}

TEST_CASE("FAULTS 82: every beginning of a good file, and each of its bytes changed, is taken or refused") {
  const RefusalFixture fixture;
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
