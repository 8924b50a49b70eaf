// How a session finds out whether its client starts TLS at once, and what becomes of passwords in clear.
#include "catch.h"
#include "fakes.h"
#include "proxy/imap/client_side.h"
#include "proxy/imap/farewell.h"
#include "proxy/imap/server_side.h"
#include "proxy/pop3/client_side.h"
#include "proxy/pop3/farewell.h"
#include "proxy/pop3/server_side.h"
#include "proxy/session/session.h"
#include "proxy/smtp/client_side.h"
#include "proxy/smtp/farewell.h"
#include "proxy/smtp/server_side.h"

namespace saslift::proxy {
namespace {

using namespace std::chrono_literals;
using config::ListenerTls;
using config::Protocol;

const std::string client_hello = "\x16\x03\x01 and so on";

ListenerFacts facts_of(Protocol protocol, ListenerTls tls) {
  ListenerFacts facts;
  facts.name = "the listener";
  facts.protocol = protocol;
  facts.tls = tls;
  facts.client_side.hostname = "box.example";
  facts.plaintext_login = config::PlaintextLogin::allowed;
  if (tls == ListenerTls::starttls || tls == ListenerTls::automatic)
    facts.client_side.starttls = StartTlsOffer::offered;
  switch (protocol) {
    case Protocol::imap:
      facts.row = {imap::make_client_side, imap::make_server_side, imap::farewell};
      break;
    case Protocol::pop3:
      facts.row = {pop3::make_client_side, pop3::make_server_side, pop3::farewell};
      break;
    case Protocol::smtp:
      facts.row = {smtp::make_client_side, smtp::make_server_side, smtp::farewell};
      break;
  }
  return facts;
}

struct Door {
  explicit Door(Protocol protocol, ListenerTls mode) : Door(facts_of(protocol, mode)) {}
  explicit Door(ListenerFacts facts) : listener(std::move(facts)) {
    session = std::make_unique<Session>(listener, SessionFacts{.id = 0x7f3a0001, .client_address = "192.0.2.7"},
                                        std::make_unique<testing::WireStream>(client),
                                        Surroundings{clock, keeper, dialer, tls}, [this] { ended = true; });
    session->start();
  }
  ~Door() {
    clock.run_tasks();
    session.reset();
    clock.run_tasks();
  }
  [[nodiscard]] std::string logged(std::string_view event, std::string_view field) const {
    for (const auto* one : keeper.all<auth::WorkerEvent>()) {
      if (one->event != event) continue;
      for (const auto& [name, value] : one->fields) {
        if (name == field) return value;
      }
    }
    return "nothing";
  }

  ListenerFacts listener;
  testing::HandClock clock;
  testing::RecordingKeeper keeper;
  testing::HandDialer dialer;
  testing::PlainTls tls;
  std::shared_ptr<testing::Wire> client = std::make_shared<testing::Wire>();
  bool ended = false;
  std::unique_ptr<Session> session;
};

std::string greeting_of(Protocol protocol) {
  return protocol == Protocol::imap ? "* OK " : protocol == Protocol::pop3 ? "+OK " : "220 ";
}

TEST_CASE("auto: a client that says nothing is greeted after tls_detect, and offered STARTTLS") {
  const auto protocol = GENERATE(Protocol::imap, Protocol::pop3, Protocol::smtp);
  Door door(protocol, ListenerTls::automatic);
  CHECK(door.client->sent.empty());
  door.clock.advance(499ms);
  CHECK(door.client->sent.empty());
  door.clock.advance(1ms);
  CHECK(door.client->take_sent().starts_with(greeting_of(protocol)));
  door.client->deliver(protocol == Protocol::imap   ? "a CAPABILITY\r\n"
                       : protocol == Protocol::pop3 ? "CAPA\r\n"
                                                    : "EHLO x\r\n");
  CHECK(door.client->take_sent().find(protocol == Protocol::pop3 ? "STLS" : "STARTTLS") != std::string::npos);
  door.client->deliver(protocol == Protocol::imap   ? "a STARTTLS\r\n"
                       : protocol == Protocol::pop3 ? "STLS\r\n"
                                                    : "STARTTLS\r\n");
  CHECK(door.tls.clients == 1);
  door.client->secure();
  CHECK_FALSE(door.ended);
}

TEST_CASE("auto: a client that speaks first, and no TLS, is greeted and answered at once") {
  Door door(Protocol::smtp, ListenerTls::automatic);
  door.client->deliver("EHLO scanner\r\n");
  CHECK(door.client->sent.starts_with("220 box.example ESMTP"));
  CHECK(door.client->sent.find("250 AUTH PLAIN LOGIN") != std::string::npos);
  CHECK(door.tls.clients == 0);
  door.client->take_sent();
  door.clock.advance(1s);
  CHECK(door.client->sent.empty());  // greeted once
}

TEST_CASE("auto: a client that starts TLS at once is greeted inside it, and offered no STARTTLS") {
  const auto protocol = GENERATE(Protocol::imap, Protocol::pop3, Protocol::smtp);
  Door door(protocol, ListenerTls::automatic);
  door.clock.advance(300ms);
  door.client->deliver(client_hello);
  CHECK(door.tls.clients == 1);
  CHECK(door.tls.early_bytes == client_hello);  // not a byte of the handshake is lost
  door.clock.advance(1s);
  CHECK(door.client->sent.empty());  // nothing in clear
  door.client->secure();
  CHECK(door.client->take_sent().starts_with(greeting_of(protocol)));
  door.client->deliver(protocol == Protocol::imap   ? "a CAPABILITY\r\n"
                       : protocol == Protocol::pop3 ? "CAPA\r\n"
                                                    : "EHLO x\r\n");
  const auto offers = door.client->take_sent();
  CHECK(offers.find("STARTTLS") == std::string::npos);
  CHECK(offers.find("STLS") == std::string::npos);
  CHECK(offers.find("PLAIN") != std::string::npos);
  door.client->deliver(protocol == Protocol::imap   ? "b LOGIN scanner secret\r\n"
                       : protocol == Protocol::pop3 ? "USER scanner\r\nPASS secret\r\n"
                                                    : "AUTH PLAIN AHNjYW5uZXIAc2VjcmV0\r\n");
  REQUIRE(door.keeper.all<auth::LoginQuestion>().size() == 1);
  CHECK(door.keeper.all<auth::LoginQuestion>()[0]->tls == auth::ClientTls::active);
}

TEST_CASE("auto: the handshake has its 10 s from the first byte on") {
  Door door(Protocol::imap, ListenerTls::automatic);
  door.client->deliver(client_hello.substr(0, 1));
  door.clock.advance(handshake_limit - 1ms);
  CHECK_FALSE(door.ended);
  door.clock.advance(1ms);
  CHECK(door.ended);
  CHECK(door.keeper.all<auth::SessionEnded>().back()->reason == "client_handshake_timeout");
}

TEST_CASE("auto: tls_detect is the listener's") {
  auto facts = facts_of(Protocol::imap, ListenerTls::automatic);
  facts.tls_detect = 3s;
  Door door(facts);
  door.clock.advance(2999ms);
  CHECK(door.client->sent.empty());
  door.clock.advance(1ms);
  CHECK(door.client->sent.starts_with("* OK"));
}

TEST_CASE("auto: who waits for the end of detection may be dismissed, or leave") {
  Door leaving(Protocol::imap, ListenerTls::automatic);
  leaving.client->end();
  CHECK(leaving.ended);
  Door dismissed(Protocol::imap, ListenerTls::automatic);
  CHECK_FALSE(dismissed.session->end_if_idle());
  CHECK(dismissed.client->sent.starts_with("* BYE"));
  dismissed.clock.advance(1s);
  CHECK(dismissed.client->sent.find("* OK") == std::string::npos);
}

TEST_CASE("FAULTS 25: TLS at once where it is not expected ends the session, and the log names the setting") {
  const auto tls = GENERATE(ListenerTls::off, ListenerTls::starttls);
  const auto protocol = GENERATE(Protocol::imap, Protocol::pop3, Protocol::smtp);
  Door door(protocol, tls);
  door.client->take_sent();
  door.client->deliver(client_hello);
  CHECK(door.client->sent.empty());
  CHECK(door.client->finished);
  CHECK(door.logged("tls_not_expected", "listener") == "the listener");
  CHECK(door.logged("tls_not_expected", "client") == "192.0.2.7");
  CHECK(door.logged("tls_not_expected", "detail") ==
        "the client starts TLS at once; set tls = \"auto\" or \"implicit\" here");
  door.client->end();
  CHECK(door.keeper.all<auth::SessionEnded>().back()->reason == "tls_not_expected");
}

TEST_CASE("auto: TLS that comes after the greeting is too late, and the log says so") {
  Door door(Protocol::imap, ListenerTls::automatic);
  door.clock.advance(600ms);
  door.client->deliver(client_hello);
  CHECK(door.client->finished);
  CHECK(door.logged("tls_not_expected", "detail").find("tls_detect") != std::string::npos);
}

TEST_CASE("a 0x16 later than the first byte is the dialogue's affair") {
  Door door(Protocol::imap, ListenerTls::off);
  door.client->deliver("a NOOP\r\n");
  door.client->take_sent();
  door.client->deliver(client_hello);
  CHECK(door.client->sent.starts_with("* BYE"));
  CHECK(door.logged("tls_not_expected", "client") == "nothing");
}

TEST_CASE("FAULTS 61: a client with old TLS is reported, not just dropped") {
  Door door(Protocol::smtp, ListenerTls::implicit);
  door.client->reader->failed({net::StreamFailure::tls_too_old, "TLS 1.0"});
  CHECK(door.ended);
  REQUIRE(door.keeper.all<auth::OldTlsClient>().size() == 1);
  const auto& report = *door.keeper.all<auth::OldTlsClient>()[0];
  CHECK(report.offers == "TLS 1.0");
  CHECK(report.listener == "the listener");
  CHECK(report.client_address == "192.0.2.7");
  CHECK(door.keeper.all<auth::SessionEnded>().back()->reason == "client_tls_too_old");
}

TEST_CASE("FAULTS 55: a password in clear where none may travel is refused with a reference that the log has too") {
  struct Row {
    Protocol protocol;
    std::string says;
    std::string code;
    std::string login;
  };
  const auto row =
      GENERATE(Row{Protocol::imap, "a LOGIN scanner secret\r\n", "a NO [PRIVACYREQUIRED]", "scanner"},
               Row{Protocol::imap, "a LOGIN scanner front desk\r\n", "a NO [PRIVACYREQUIRED]", "scanner [...]"},
               Row{Protocol::imap, "a AUTHENTICATE PLAIN\r\n", "a NO [PRIVACYREQUIRED]", ""},
               Row{Protocol::pop3, "USER scanner\r\n", "-ERR [AUTH]", "scanner"},
               Row{Protocol::pop3, "AUTH PLAIN\r\n", "-ERR [AUTH]", ""},
               Row{Protocol::smtp, "AUTH LOGIN\r\n", "538 5.7.11", ""});
  auto facts = facts_of(row.protocol, ListenerTls::starttls);
  facts.plaintext_login = config::PlaintextLogin::never;
  Door door(facts);
  door.client->take_sent();
  door.client->deliver(row.says);
  CHECK(door.client->sent.starts_with(row.code));
  CHECK(door.client->sent.find("reference 7f3a0001") != std::string::npos);
  CHECK(door.keeper.all<auth::LoginQuestion>().empty());
  const auto events = door.keeper.all<auth::WorkerEvent>();
  REQUIRE(events.size() == 1);
  CHECK(events[0]->session == 0x7f3a0001);
  CHECK(door.logged("login_refused", "reason") == "needs_tls");
  CHECK(door.logged("login_refused", "login") == row.login);
  CHECK(door.logged("login_refused", "detail").find("plaintext_login") != std::string::npos);
}

TEST_CASE("a client that insists on clear text is sent away after three tries, and its patience is not renewed") {
  auto facts = facts_of(Protocol::smtp, ListenerTls::starttls);
  facts.plaintext_login = config::PlaintextLogin::never;
  Door door(facts);
  door.clock.advance(pre_login_patience - 10s);
  door.client->deliver("AUTH LOGIN\r\n");
  door.client->take_sent();
  door.clock.advance(10s);
  CHECK(door.client->sent.starts_with("421 4.4.2"));

  Door other(facts);
  other.client->deliver("AUTH LOGIN\r\nAUTH LOGIN\r\nAUTH LOGIN\r\nNOOP\r\n");
  CHECK(other.client->finished);
  CHECK(other.keeper.all<auth::WorkerEvent>().size() == 3);
}

TEST_CASE("behind STARTTLS a refused client logs in as if nothing had been") {
  auto facts = facts_of(Protocol::imap, ListenerTls::starttls);
  facts.plaintext_login = config::PlaintextLogin::never;
  Door door(facts);
  door.client->deliver("a LOGIN scanner secret\r\nb STARTTLS\r\n");
  REQUIRE(door.tls.clients == 1);
  door.client->secure();
  door.client->take_sent();
  door.client->deliver("c CAPABILITY\r\nd LOGIN scanner secret\r\n");
  CHECK(door.client->sent.find("LOGINDISABLED") == std::string::npos);
  CHECK(door.keeper.all<auth::LoginQuestion>().size() == 1);
}

TEST_CASE("FAULTS 1: bytes in clear behind STARTTLS end the session, and no TLS is started") {
  const auto protocol = GENERATE(Protocol::imap, Protocol::pop3, Protocol::smtp);
  Door door(protocol, ListenerTls::starttls);
  door.client->deliver(protocol == Protocol::imap   ? "a STARTTLS\r\nb LOGIN scanner secret\r\n"
                       : protocol == Protocol::pop3 ? "STLS\r\nUSER scanner\r\nPASS secret\r\n"
                                                    : "STARTTLS\r\nAUTH PLAIN AHNjYW5uZXIAc2VjcmV0\r\n");
  CHECK(door.tls.clients == 0);
  CHECK(door.client->finished);
  CHECK(door.keeper.all<auth::LoginQuestion>().empty());
}

}  // namespace
}  // namespace saslift::proxy
