// Certificates of listeners with a hand clock and real files: made, kept, replaced in every way that people do it.
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>

#include "../../config/temporary_directory.h"
#include "catch.h"
#include "config/certificate_source.h"
#include "proxy/keeper/certificate_facts.h"
#include "proxy/keeper/expiry_notice.h"
#include "proxy/keeper/listener_certificates.h"
#include "proxy/keeper/own_certificate.h"
#include "proxy/net/tls_context.h"

namespace saslift::proxy::keeper {
namespace {

using config::test::TemporaryDirectory;
using namespace std::chrono_literals;
using std::chrono::days;

const WallTime today = WallTime(std::chrono::seconds(1'800'000'000));

// One for each host and time: a key takes its time.
const std::string& made(const std::string& host, WallTime now = today) {
  static std::map<std::pair<std::string, WallTime>, std::string> all;
  std::string& pem = all[{host, now}];
  if (pem.empty()) pem = make_self_signed({{host}, {}}, now).reveal();
  return pem;
}

std::string chain_of(const std::string& pem) { return pem.substr(0, pem.find("-----BEGIN PRIVATE KEY")); }
std::string key_of(const std::string& pem) { return pem.substr(pem.find("-----BEGIN PRIVATE KEY")); }

struct Shop {
  Shop() {
    settings.service.state_dir = (directory.path() / "state").string();
    settings.service.hostname = "proxy.example";
  }
  config::Listener& listener(const std::string& chain, const std::string& key = "") {
    auto& made = settings.listeners.emplace_back();
    made.name = "smtp 127.0.0.1:1587";
    made.protocol = config::Protocol::smtp;
    made.address = *config::SocketAddress::parse("127.0.0.1:1587");
    made.tls = config::ListenerTls::implicit;
    made.certificate = {chain, key, directory.path().string()};
    return made;
  }
  ListenerCertificates& open() {
    std::vector<const config::Listener*> all;
    for (auto& one : settings.listeners) {
      if (!one.certificate.chain.empty())
        one.certificate_pem = std::move(config::read_certificate(one.certificate)->pem);
      all.push_back(&one);
    }
    certificates.emplace(settings, all);
    if (const auto opened = certificates->open(today); !opened) FAIL(opened.error());
    opening = certificates->look(today).events;
    return *certificates;
  }
  [[nodiscard]] OwnCertificate own() const { return {own_certificate_path(settings.service), own_names(settings)}; }
  // As an editor or certbot writes: the new file takes the old one's name.
  void replace(const std::string& name, const std::string& content) const {
    directory.write(name + ".new", content);
    std::filesystem::rename(directory.path() / (name + ".new"), directory.path() / name);
  }
  [[nodiscard]] std::string subject_in_use() const { return read_facts(certificates->in_use(0).reveal())->subject; }

  TemporaryDirectory directory;
  config::Settings settings;
  std::optional<ListenerCertificates> certificates;
  std::vector<auth::LogEvent> opening;
};

std::string field(const auth::LogEvent& event, std::string_view wanted) {
  for (const auto& [name, value] : event.fields) {
    if (name != wanted) continue;
    const auto* number = std::get_if<std::int64_t>(&value);
    return number != nullptr ? std::to_string(*number) : std::get<std::string>(value);
  }
  return "";
}

TEST_CASE("FAULTS 60: the end of a certificate is told at 30, 7 and 1 day and when it is over, each once") {
  const WallTime end = today + days(100);
  ExpiryNotice notice(end);
  CHECK_FALSE(notice.due(end - days(31)));
  CHECK(notice.due(end - days(30)) == 30);
  CHECK_FALSE(notice.due(end - days(29)));
  CHECK_FALSE(notice.due(end - days(8)));
  CHECK(notice.due(end - days(7)) == 7);
  CHECK_FALSE(notice.due(end - days(7)));
  CHECK(notice.due(end - 23h) == 1);
  CHECK_FALSE(notice.due(end - 1h));
  CHECK(notice.due(end) == 0);
  CHECK_FALSE(notice.due(end + days(300)));
  SECTION("a keeper that starts late tells what is true by then, once") {
    ExpiryNotice late(end);
    CHECK(late.due(end - days(3)) == 3);
    CHECK_FALSE(late.due(end - days(2)));
    CHECK(late.due(end - days(1)) == 1);
    ExpiryNotice over(end);
    CHECK(over.due(end + days(2)) == -2);
  }
}

TEST_CASE("the self-signed certificate is of RSA-2048, names host and addresses, and is no authority") {
  const auto pem =
      make_self_signed({{"proxy.example", "localhost"},
                        {*config::IpAddress::parse("192.0.2.7"), *config::IpAddress::parse("2001:db8::7")}},
                       today);
  CHECK_NOTHROW(net::ListenerTlsContext(pem, {}));
  const auto facts = read_facts(pem.reveal());
  REQUIRE(facts);
  CHECK(facts->subject == "CN=proxy.example");
  CHECK(facts->names == std::vector<std::string>{"proxy.example", "localhost", "192.0.2.7", "2001:db8::7"});
  CHECK(facts->not_before < today);
  CHECK(facts->not_after == today + own_certificate_life);
  CHECK(facts->sha256.size() == 95);
  CHECK(facts->sha1.size() == 59);
  CHECK(facts->pem == chain_of(std::string(pem.reveal())));
  CHECK(facts->pem.find("PRIVATE") == std::string::npos);
  const auto* bytes = reinterpret_cast<const unsigned char*>(facts->der.data());
  X509* certificate = d2i_X509(nullptr, &bytes, static_cast<long>(facts->der.size()));
  REQUIRE(certificate != nullptr);
  CHECK(X509_check_ca(certificate) == 0);
  CHECK(EVP_PKEY_get_bits(X509_get0_pubkey(certificate)) == 2048);
  CHECK(EVP_PKEY_is_a(X509_get0_pubkey(certificate), "RSA") == 1);
  X509_free(certificate);
  CHECK(read_facts(made("another"))->sha256 != facts->sha256);
}

TEST_CASE("the self-signed certificate is made once, for saslift's eyes, and kept until its last day") {
  Shop shop;
  shop.listener("");
  const auto first = own_certificate(shop.own(), today);
  REQUIRE(first);
  struct stat status{};
  REQUIRE(stat(own_certificate_path(shop.settings.service).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const auto again = own_certificate(shop.own(), today + own_certificate_life - days(2));
  REQUIRE(again);
  CHECK(again->reveal() == first->reveal());
  shop.settings.service.hostname = "renamed.example";
  CHECK(own_certificate(shop.own(), today)->reveal() == first->reveal());
  const auto missing = names_missing_in(first->reveal(), own_names(shop.settings));
  CHECK(missing == std::vector<std::string>{"renamed.example"});
  const auto renewed = own_certificate(shop.own(), today + own_certificate_life - 12h);
  REQUIRE(renewed);
  CHECK(renewed->reveal() != first->reveal());
  CHECK(names_missing_in(renewed->reveal(), own_names(shop.settings)).empty());
}

TEST_CASE("a self-signed certificate that is broken, or cannot be kept, is said and not replaced") {
  Shop shop;
  shop.listener("");
  std::filesystem::create_directory(shop.settings.service.state_dir);
  const auto path = own_certificate_path(shop.settings.service);
  shop.directory.write("state/tls.pem", made("x").substr(0, 900));
  const auto broken = own_certificate(shop.own(), today);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().find("remove it, and a new one is made") != std::string::npos);
  CHECK(std::filesystem::file_size(path) == 900);
  shop.settings.service.state_dir = "/proc/none";
  const auto nowhere = own_certificate(shop.own(), today);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().find("set 'certificate'") != std::string::npos);
}

TEST_CASE("listeners without a certificate share the one of our own; those without TLS have none") {
  Shop shop;
  shop.listener("");
  shop.listener("").tls = config::ListenerTls::off;
  shop.listener("").tls = config::ListenerTls::automatic;
  auto& certificates = shop.open();
  CHECK(certificates.in_use(0).reveal() == certificates.in_use(2).reveal());
  CHECK(certificates.in_use(1).empty());
  REQUIRE(shop.opening.size() == 1);
  CHECK(shop.opening[0].event == "own_certificate");
  CHECK(certificates.look(today).changed.empty());
  const auto last_day = certificates.look(today + own_certificate_life - 12h);
  REQUIRE(last_day.changed.size() == 2);
  CHECK(last_day.changed[0].listener == 0);
  CHECK(last_day.changed[1].listener == 2);
  CHECK(certificates.look(today + own_certificate_life).changed.empty());
}

TEST_CASE("FAULTS 60: a certificate that takes the old one's place is used from then on") {
  Shop shop;
  shop.directory.write("tls.pem", made("first"));
  shop.listener("file:tls.pem");
  auto& certificates = shop.open();
  CHECK(certificates.look(today).changed.empty());
  const std::string second = made("second");
  shop.replace("tls.pem", second);
  const auto look = certificates.look(today);
  REQUIRE(look.changed.size() == 1);
  CHECK(look.changed[0].pem.reveal() == second);
  REQUIRE(look.events.size() == 1);
  CHECK(look.events[0].event == "certificate_renewed");
  CHECK(shop.subject_in_use() == "CN=second");
  CHECK(certificates.look(today).changed.empty());
  SECTION("touched, but the same") {
    shop.replace("tls.pem", second);
    CHECK(certificates.look(today).changed.empty());
  }
}

TEST_CASE("FAULTS 60: what is half-written, unreadable or not a pair keeps the old one, and is told once") {
  Shop shop;
  shop.directory.write("tls.pem", made("first"));
  shop.listener("file:tls.pem");
  auto& certificates = shop.open();
  const std::string second = made("second");
  const std::string bad =
      GENERATE_REF(second.substr(0, 700), chain_of(second), chain_of(second) + key_of(made("third")),
                   std::string("nonsense"), second.substr(0, second.size() - 100));
  shop.directory.write("tls.pem", bad);
  CHECK(certificates.look(today).events.empty());  // it may be whole in a moment
  const auto told = certificates.look(today);
  REQUIRE(told.events.size() == 1);
  CHECK(told.events[0].event == "certificate_not_renewed");
  CHECK(field(told.events[0], "consequence") == "the old one stays in use");
  CHECK(certificates.look(today).events.empty());
  CHECK(shop.subject_in_use() == "CN=first");
  shop.directory.write("tls.pem", second);
  REQUIRE(certificates.look(today).changed.size() == 1);
  CHECK(shop.subject_in_use() == "CN=second");
}

TEST_CASE("FAULTS 60: a certificate that goes away for a moment is waited for") {
  Shop shop;
  shop.directory.write("tls.pem", made("first"));
  shop.listener("file:tls.pem");
  auto& certificates = shop.open();
  std::filesystem::remove(shop.directory.path() / "tls.pem");
  CHECK(certificates.look(today).events.empty());
  shop.directory.write("tls.pem", made("second"));
  const auto look = certificates.look(today);
  CHECK(look.changed.size() == 1);
  CHECK(look.events.at(0).event == "certificate_renewed");
}

TEST_CASE("FAULTS 60: chain and key in two files may change one after the other") {
  Shop shop;
  const std::string first = made("first"), second = made("second");
  shop.directory.write("chain.pem", chain_of(first), 0644);
  shop.directory.write("key.pem", key_of(first));
  shop.listener("file:chain.pem", "file:key.pem");
  auto& certificates = shop.open();
  shop.directory.write("chain.pem.new", chain_of(second), 0644);
  std::filesystem::rename(shop.directory.path() / "chain.pem.new", shop.directory.path() / "chain.pem");
  const auto between = certificates.look(today);
  CHECK(between.changed.empty());
  CHECK(between.events.empty());
  shop.replace("key.pem", key_of(second));
  CHECK(certificates.look(today).changed.size() == 1);
  CHECK(shop.subject_in_use() == "CN=second");
}

TEST_CASE("FAULTS 60: a mounted secret is swapped by renaming the link to its directory") {
  Shop shop;
  const auto& root = shop.directory.path();
  for (const char* name : {"first", "second"}) {
    std::filesystem::create_directory(root / name);
  }
  const std::string first = made("first"), second = made("second");
  shop.directory.write("first/tls.crt", chain_of(first));
  shop.directory.write("first/tls.key", key_of(first));
  shop.directory.write("second/tls.crt", chain_of(second));
  shop.directory.write("second/tls.key", key_of(second));
  std::filesystem::create_symlink("first", root / "..data");
  std::filesystem::create_symlink("..data/tls.crt", root / "tls.crt");
  std::filesystem::create_symlink("..data/tls.key", root / "tls.key");
  shop.listener("file:tls.crt", "file:tls.key");
  auto& certificates = shop.open();
  CHECK(shop.subject_in_use() == "CN=first");
  std::filesystem::create_symlink("second", root / "..data_tmp");
  std::filesystem::rename(root / "..data_tmp", root / "..data");
  CHECK(certificates.look(today).changed.size() == 1);
  CHECK(shop.subject_in_use() == "CN=second");
}

TEST_CASE("FAULTS 60: a certificate near its end is told when it is opened, and its successor anew") {
  Shop shop;
  shop.directory.write("tls.pem", made("old", today - own_certificate_life + days(5)));
  shop.listener("file:tls.pem");
  auto& certificates = shop.open();
  REQUIRE(shop.opening.size() == 1);
  CHECK(shop.opening[0].event == "certificate_expires");
  CHECK(shop.opening[0].level == config::LogLevel::warning);
  CHECK(field(shop.opening[0], "days_left") == "5");
  CHECK(certificates.look(today + days(1)).events.empty());
  CHECK(certificates.look(today + days(4)).events.at(0).event == "certificate_expires");
  const auto over = certificates.look(today + days(5));
  CHECK(over.events.at(0).event == "certificate_expired");
  CHECK(over.events.at(0).level == config::LogLevel::error);
  shop.replace("tls.pem", made("new"));
  CHECK(certificates.look(today + days(5)).events.at(0).event == "certificate_renewed");
  CHECK(certificates.look(today + own_certificate_life - days(7)).events.at(0).event == "certificate_expires");
}

TEST_CASE("a certificate that does not fit at the start is refused with its listener") {
  Shop shop;
  shop.directory.write("tls.pem", chain_of(made("one")) + key_of(made("other")));
  auto& listener = shop.listener("file:tls.pem");
  listener.certificate_pem = std::move(config::read_certificate(listener.certificate)->pem);
  ListenerCertificates certificates(shop.settings, {&listener});
  const auto opened = certificates.open(today);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().starts_with("smtp 127.0.0.1:1587: certificate: key and certificate do not fit together"));
}

}  // namespace
}  // namespace saslift::proxy::keeper
