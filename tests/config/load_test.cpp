#include "config/load.h"

#include <unistd.h>

#include <cstdlib>

#include "catch.h"
#include "tests/config/configuration_text.h"
#include "tests/config/temporary_directory.h"

namespace saslift::config {
namespace {

using namespace std::chrono_literals;
using namespace test;

std::vector<std::string> messages(const std::vector<Problem>& problems) {
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(problem.message());
  return texts;
}

class Fixture {
 public:
  Fixture() {
    directory_.write("office.secret", "8Q~s3cret\n");
    directory_.write("lab.secret", "\xef\xbb\xbflab s3cret\r\n");
  }
  [[nodiscard]] const TemporaryDirectory& directory() const { return directory_; }
  // Fails the test with every message where the text is refused.
  Loaded load(std::string_view toml) const {
    auto result = load_text(toml, path());
    if (!result) {
      std::string all;
      for (const std::string& message : messages(result.error())) all += message + "\n";
      FAIL(all);
    }
    return std::move(*result);
  }
  [[nodiscard]] std::string path() const { return (directory_.path() / "saslift.toml").string(); }

 private:
  TemporaryDirectory directory_{ordinary_parent()};
};

TEST_CASE("the example loads once its secret files exist") {
  const Fixture fixture;
  std::ifstream file(std::string(SASLIFT_TESTS_DIR) + "/../config/example.toml");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  fixture.directory().write("saslift.toml", text);
  auto loaded = load(fixture.path());
  if (!loaded) FAIL(loaded.error().front().message());
  CHECK(messages(loaded->warnings).empty());
  const Settings& settings = loaded->settings;
  CHECK(settings.path == fixture.path());
  CHECK(settings.identities.size() == 2);
  CHECK(settings.identities.at("office").client_secret.reveal() == "8Q~s3cret");
  CHECK(settings.identities.at("lab").client_secret.reveal() == "lab s3cret");
  CHECK(settings.accounts.size() == 3);
  CHECK(settings.accounts.at("reception").logins == std::vector<std::string>{"scanner", "CONTOSO\\scanner"});
  CHECK(settings.listeners.size() == 3);
}

TEST_CASE("an empty file loads with defaults and says that nobody can log in") {
  const Fixture fixture;
  const Loaded loaded = fixture.load("");
  CHECK(messages(loaded.warnings) ==
        std::vector<std::string>{fixture.path() + ": there is no [account.NAME] yet, so nobody can log in"});
  const Service& service = loaded.settings.service;
  CHECK(service.state_dir == "/var/lib/saslift");
  CHECK(service.user.empty());
  CHECK_FALSE(service.metrics);
  CHECK(service.workers == 0);
  CHECK(service.drain == 25s);
  CHECK(service.login_timeout == 25s);
  CHECK_FALSE(service.hostname.empty());
  CHECK(service.ca_file.empty());
  CHECK(loaded.settings.log.level == LogLevel::info);
  CHECK(loaded.settings.log.format == LogFormat::text);
  std::vector<std::string> names;
  for (const Listener& listener : loaded.settings.listeners) {
    names.push_back(listener.name + (listener.optional ? " optional" : ""));
    CHECK(listener.tls == ListenerTls::off);
  }
  CHECK(names == std::vector<std::string>{"imap 127.0.0.1:1143", "imap [::1]:1143 optional", "pop3 127.0.0.1:1110",
                                          "pop3 [::1]:1110 optional", "smtp 127.0.0.1:1587",
                                          "smtp [::1]:1587 optional"});
}

TEST_CASE("the service and the log are as written") {
  const Fixture fixture;
  fixture.directory().write("ca.pem", certificate_block);
  const Loaded loaded = fixture.load(R"(
[service]
state_dir = "state"
workers = 3
user = "_saslift-2.x"
metrics = "[::1]:9464"
drain = "2m"
login_timeout = "500ms"
hostname = "mail.contoso.com"
ca_file = "ca.pem"
[log]
level = "debug"
format = "json"
)");
  const Service& service = loaded.settings.service;
  CHECK(service.state_dir == (fixture.directory().path() / "state").string());
  CHECK(service.user == "_saslift-2.x");
  REQUIRE(service.metrics);
  CHECK(service.metrics->text() == "[::1]:9464");
  CHECK(service.workers == 3);
  CHECK(service.drain == 2min);
  CHECK(service.login_timeout == 500ms);
  CHECK(service.hostname == "mail.contoso.com");
  CHECK(service.ca_file == (fixture.directory().path() / "ca.pem").string());
  CHECK(loaded.settings.log.level == LogLevel::debug);
  CHECK(loaded.settings.log.format == LogFormat::json);
}

TEST_CASE("presets give Exchange's hosts, endpoint and scope") {
  struct Row {
    const char* provider;
    const char* imap;
    const char* smtp;
    const char* token_endpoint;
    const char* scope;
  };
  const auto row = GENERATE(values<Row>(
      {{"exchange-online", "outlook.office365.com", "smtp.office365.com",
        "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token", "https://outlook.office365.com/.default"},
       {"exchange-gcc-high", "outlook.office365.us", "smtp.office365.us",
        "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/token", "https://outlook.office365.us/.default"},
       {"exchange-china", "partner.outlook.cn", "smtp.partner.outlook.cn",
        "https://login.partner.microsoftonline.cn/contoso.com/oauth2/v2.0/token",
        "https://partner.outlook.cn/.default"}}));
  const Fixture fixture;
  const Loaded loaded =
      fixture.load(identity_with("provider = \"" + std::string(row.provider) + "\"") + account_with(""));
  const Provider& provider = loaded.settings.identities.at("office").provider;
  CHECK(provider.name == row.provider);
  CHECK(provider.imap->host == row.imap);
  CHECK(provider.imap->port == 993);
  CHECK(provider.imap->tls == UpstreamTls::implicit);
  CHECK(provider.pop3->host == row.imap);
  CHECK(provider.pop3->port == 995);
  CHECK(provider.smtp->host == row.smtp);
  CHECK(provider.smtp->port == 587);
  CHECK(provider.smtp->tls == UpstreamTls::starttls);
  CHECK(provider.token_endpoint == row.token_endpoint);
  CHECK(provider.scope == row.scope);
  CHECK(provider.mechanism == Mechanism::xoauth2);
  CHECK(provider.smtp_extensions.lines ==
        std::vector<std::string>{"SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"});
  CHECK(&provider.endpoint(Protocol::pop3) == &provider.pop3);
}

TEST_CASE("exchange-online is the default, and an identity overrides its fields one by one") {
  const Fixture fixture;
  fixture.directory().write("ca.pem", certificate_block);
  const Loaded loaded = fixture.load(identity_with(R"(
mechanism = "oauthbearer"
scope = "https://outlook.office.com/.default"
imap = { port = 1993 }
smtp_extensions = ["size 1000", "dsn"]
ca_file = "ca.pem"
)") + account_with(""));
  const Identity& identity = loaded.settings.identities.at("office");
  CHECK(identity.tenant == "contoso.com");
  CHECK(identity.client_id == "id");
  CHECK(identity.client_secret.reveal() == "8Q~s3cret");
  CHECK(identity.provider.name == "exchange-online");
  CHECK(identity.provider.mechanism == Mechanism::oauthbearer);
  CHECK(identity.provider.scope == "https://outlook.office.com/.default");
  CHECK(identity.provider.imap->host == "outlook.office365.com");
  CHECK(identity.provider.imap->port == 1993);
  CHECK(identity.provider.imap->tls == UpstreamTls::implicit);
  CHECK(identity.provider.smtp_extensions.lines == std::vector<std::string>{"SIZE 1000", "DSN"});
  CHECK(identity.provider.ca_file == (fixture.directory().path() / "ca.pem").string());
  CHECK(loaded.warnings.empty());
}

TEST_CASE("an own provider serves what it has") {
  const Fixture fixture;
  const Loaded loaded = fixture.load(std::string(R"(
[provider.lab]
imap = { host = "127.0.0.1", port = 10993, tls = "implicit" }
token_endpoint = "https://localhost:8443/{tenant}/token"
[identity.office]
provider = "lab"
tenant = "t1"
client_id = "id"
client_secret = "file:office.secret"
smtp = { host = "smtp.lab.example", port = 587, tls = "starttls" }
)") + account_with("mailbox = \"t1\"", "scanner"));
  const Provider& provider = loaded.settings.identities.at("office").provider;
  CHECK(provider.name == "lab");
  CHECK(provider.imap->host == "127.0.0.1");
  CHECK_FALSE(provider.pop3);
  CHECK(provider.smtp->tls == UpstreamTls::starttls);
  CHECK(provider.token_endpoint == "https://localhost:8443/t1/token");
  CHECK(provider.scope.empty());
  CHECK(provider.smtp_extensions.lines == std::vector<std::string>{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"});
  const Account& account = loaded.settings.accounts.at("reception");
  CHECK(account.mailbox == "t1");
  CHECK(account.protocols == std::vector{Protocol::imap, Protocol::smtp});
}

TEST_CASE("a GUID may be a secret where Entra is not asked") {
  const Fixture fixture;
  fixture.directory().write("office.secret", "6f9619ff-8b86-d011-b42d-00c04fc964ff");
  const Loaded loaded = fixture.load(R"(
[identity.lab]
imap = { host = "imap.lab.example", port = 993, tls = "implicit" }
token_endpoint = "https://login.lab.example/token"
scope = "mail"
client_id = "id"
client_secret = "file:office.secret"
)");
  CHECK(loaded.settings.identities.at("lab").client_secret.size() == 36);
  // It keeps the name of its preset, so that is said.
  REQUIRE(loaded.warnings.size() == 2);
  CHECK(loaded.warnings[0].message() == fixture.path() +
                                            ":4:18: the client secret goes to login.lab.example, not to "
                                            "login.microsoftonline.com, which 'exchange-online' uses");
}

TEST_CASE("accounts fill in what may be left out") {
  const Fixture fixture;
  const Loaded loaded = fixture.load(identity_with("") + R"(
[account.a]
login = ["DOM\\a", "First@Contoso.com", "second@contoso.com"]
password = ")" + std::string(good_hash) +
                                     R"("
identity = "office"
allow = ["192.168.10.5/24", "::1", "private"]
protocols = ["smtp", "imap"]
upn = "first@contoso.onmicrosoft.com"
shared = ["post@contoso.com", "info@contoso.com"]
rewrite_from = "both"
[account.b]
password = ")" + std::string(good_hash) +
                                     R"("
identity = "office"
mailbox = "b@contoso.com"
[account.c]
login = "*@contoso.com"
password = ")" + std::string(good_hash) +
                                     R"("
identity = "office"
protocols = ["imap", "smtp"]
shared_password = true
)");
  const auto& accounts = loaded.settings.accounts;
  CHECK(accounts.at("a").mailbox == "First@Contoso.com");
  CHECK(accounts.at("a").logins.front() == "DOM\\a");
  CHECK(accounts.at("a").password_hash == good_hash);
  CHECK(accounts.at("a").identity == "office");
  CHECK(accounts.at("a").protocols == std::vector{Protocol::smtp, Protocol::imap});
  REQUIRE(accounts.at("a").allow.size() == 8);
  CHECK(accounts.at("a").allow[0].text() == "192.168.10.0/24");
  CHECK(accounts.at("a").allow[1].text() == "::1/128");
  CHECK(accounts.at("a").allow[2].text() == "10.0.0.0/8");
  CHECK(accounts.at("a").upn == "first@contoso.onmicrosoft.com");
  CHECK(accounts.at("a").shared == std::vector<std::string>{"post@contoso.com", "info@contoso.com"});
  CHECK(accounts.at("b").upn.empty());
  CHECK(accounts.at("b").shared.empty());
  CHECK(accounts.at("a").rewrite_from == RewriteFrom::both);
  CHECK(accounts.at("b").rewrite_from == RewriteFrom::no);
  CHECK(accounts.at("b").logins == std::vector<std::string>{"b"});
  CHECK(accounts.at("b").protocols == std::vector{Protocol::imap, Protocol::pop3, Protocol::smtp});
  CHECK(accounts.at("b").allow.empty());
  CHECK(accounts.at("c").mailbox.empty());
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0].text == "'192.168.10.5/24' is taken as 192.168.10.0/24");
}

TEST_CASE("listeners are as written") {
  const Fixture fixture;
  fixture.directory().write("tls.pem", std::string(certificate_block) + std::string(key_block));
  const Loaded loaded = fixture.load(R"(
[[listener]]
protocol = "smtp"
address = "127.0.0.1:0"
tls = "starttls"
certificate = "file:tls.pem"
plaintext_login = "never"
auth_equals = true
[[listener]]
protocol = "smtp"
address = "[::1]:0"
)");
  const auto& listeners = loaded.settings.listeners;
  REQUIRE(listeners.size() == 2);
  CHECK(listeners[0].name == "smtp 127.0.0.1:0");
  CHECK(listeners[0].tls == ListenerTls::starttls);
  CHECK(listeners[0].certificate_pem.reveal() == std::string(certificate_block) + std::string(key_block));
  CHECK(listeners[0].plaintext_login == PlaintextLogin::never);
  CHECK(listeners[0].auth_equals);
  CHECK_FALSE(listeners[1].auth_equals);
  CHECK_FALSE(listeners[0].optional);
  CHECK(listeners[1].name == "smtp [::1]:0");
  CHECK(listeners[1].tls == ListenerTls::off);
  CHECK_FALSE(listeners[1].optional);
  CHECK(listeners[1].plaintext_login == PlaintextLogin::loopback);
}

TEST_CASE("a listener's keys about TLS are as written") {
  const Fixture fixture;
  fixture.directory().write("chain.pem", certificate_block, 0644);  // as certbot leaves it
  fixture.directory().write("key.pem", key_block);
  const Loaded loaded = fixture.load(R"(
[[listener]]
protocol = "smtp"
address = "127.0.0.1:0"
tls = "auto"
tls_detect = "2s"
certificate = "file:chain.pem"
certificate_key = "file:key.pem"
legacy_tls = true
)");
  for (const std::string& warning : messages(loaded.warnings)) CHECK(warning.find("certificate") == std::string::npos);
  const auto& listener = loaded.settings.listeners.at(0);
  CHECK(listener.tls == ListenerTls::automatic);
  CHECK(listener.tls_detect == std::chrono::seconds(2));
  CHECK(listener.legacy_tls);
  CHECK(listener.certificate_pem.reveal() == std::string(certificate_block) + "\n" + std::string(key_block));
  CHECK(listener.certificate.chain == "file:chain.pem");
  CHECK(listener.certificate.key == "file:key.pem");
  const Loaded narrow = fixture.load(
      "[[listener]]\nprotocol = \"smtp\"\naddress = \"0.0.0.0:587\"\nallow = [\"private\", \"192.168.10.0/24\"]\ntls = "
      "\"implicit\"\ncertificate = \"file:chain.pem\"\ncertificate_key = \"file:key.pem\"\nlegacy_tls = true\n");
  CHECK(narrow.settings.listeners.at(0).legacy_tls);
  CHECK(Listener{}.tls_detect == std::chrono::milliseconds(500));
}

TEST_CASE("a literal secret works with a warning that does not repeat it") {
  const Fixture fixture;
  const Loaded loaded = fixture.load(
      "[identity.office]\ntenant = \"contoso.com\"\nclient_id = \"id\"\n"
      "client_secret = \"8Q~c4nary\"\n" +
      account_with(""));
  CHECK(loaded.settings.identities.at("office").client_secret.reveal() == "8Q~c4nary");
  CHECK(messages(loaded.warnings) ==
        std::vector<std::string>{fixture.path() + ":4:17: 'client_secret': stands in the configuration itself, for all "
                                                  "who may read it; file: keeps it apart"});
}

TEST_CASE("a file that cannot be read, or may be changed by all, is named") {
  const Fixture fixture;
  const auto absent = load(fixture.path());
  REQUIRE_FALSE(absent);
  CHECK(messages(absent.error()) ==
        std::vector<std::string>{fixture.path() + ": cannot be read: No such file or "
                                                  "directory; --config names another file"});
  CHECK_FALSE(load(fixture.directory().path().string()));
  fixture.directory().write("saslift.toml", identity_with("") + account_with(""), 0666);
  const auto loose = load(fixture.path());
  REQUIRE(loose);
  REQUIRE(loose->warnings.size() == 1);
  CHECK(loose->warnings[0].message() == fixture.path() + ": may be changed by everybody on this machine; chmod o-w it");
}

TEST_CASE("[service] alone is read without what the other sections name") {
  const Fixture fixture;
  const auto elsewhere = "[identity.office]\nclient_secret = \"command:/bin/sh -c 'touch " +
                         (fixture.directory().path() / "ran").string() + "'\"\n[nonsense]\n";
  fixture.directory().write("saslift.toml", "[service]\nstate_dir = \"kept\"\n" + elsewhere);
  const auto service = load_service(fixture.path());
  REQUIRE(service);
  CHECK(service->state_dir == (fixture.directory().path() / "kept").string());
  CHECK_FALSE(std::filesystem::exists(fixture.directory().path() / "ran"));
  fixture.directory().write("saslift.toml", "[service\n");
  const auto broken = load_service(fixture.path());
  REQUIRE_FALSE(broken);
  CHECK(broken.error().at(0).line == 1);
  std::filesystem::remove(fixture.path());
  REQUIRE_FALSE(load_service(fixture.path()));
  CHECK(messages(load_service(fixture.path()).error()).at(0).find("cannot be read") != std::string::npos);
}

}  // namespace
}  // namespace saslift::config
