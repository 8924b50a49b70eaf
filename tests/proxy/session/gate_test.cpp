// A session at a guarded door: replies that wait, passwords in clear, load balancers, trusted addresses.
#include "catch.h"
#include "scene.h"

namespace saslift::proxy {
namespace {

using namespace testing;

auth::Denied wrong_password(auth::Duration delay) {
  return {.session = session_id, .failure = auth::LoginFailure::bad_credentials, .sentence = {}, .delay = delay};
}

SessionFacts from(const std::string& address) { return {.id = session_id, .client_address = address}; }

TEST_CASE("FAULTS 28: a wrong password is answered when its delay is over, counted from the question") {
  Scene scene;
  scene.asked();
  scene.clock.advance(500ms);
  scene.client->take_sent();
  scene.session->answered(wrong_password(4s));
  scene.clock.advance(3'499ms);
  CHECK(scene.client->sent.empty());
  scene.clock.advance(1ms);
  CHECK(scene.client->sent.starts_with("a1 NO [AUTHENTICATIONFAILED]"));
}

TEST_CASE("a client that waits for a delayed reply is not cut off by the time before login") {
  Scene scene;
  scene.asked();
  for (int i = 0; i < 2; ++i) {
    scene.session->answered(wrong_password(15s));
    scene.clock.advance(15s);
    if (i == 0) scene.send_login();
  }
  CHECK_FALSE(scene.ended);
  scene.client->take_sent();
  // Not a second of the 60 was the client's to spend.
  scene.clock.advance(59s);
  CHECK(scene.client->sent.empty());
  scene.clock.advance(1s);
  CHECK(scene.client->sent.starts_with("* BYE"));
}

TEST_CASE("a client that leaves while its reply waits is noticed, and no question is left open") {
  Scene scene;
  scene.asked();
  scene.session->answered(wrong_password(15s));
  scene.client->end();
  CHECK(scene.ended);
  CHECK(scene.keeper.all<auth::Withdrawn>().empty());
  REQUIRE(scene.keeper.all<auth::SessionEnded>().size() == 1);
}

TEST_CASE("no reply waits beyond the login's deadline") {
  auto facts = listener_facts(Protocol::pop3);
  facts.login_timeout = 3s;
  Scene scene(Protocol::pop3, facts);
  scene.asked();
  scene.client->take_sent();
  scene.session->answered(wrong_password(15s));
  scene.clock.advance(3s);
  CHECK(scene.client->sent.starts_with("-ERR [AUTH]"));
}

TEST_CASE("the third wrong password closes, once its reply has waited") {
  Scene scene;
  scene.asked();
  for (int i = 0; i < 3; ++i) {
    scene.session->answered(wrong_password(2s));
    CHECK_FALSE(scene.client->finished);
    scene.clock.advance(2s);
    if (i < 2) scene.send_login();
  }
  CHECK(scene.client->finished);
}

TEST_CASE("FAULTS 55: by default a password in clear is taken from this machine alone") {
  struct Row {
    config::PlaintextLogin setting;
    std::string address;
    bool taken;
  };
  const std::vector<Row> rows = {
      {config::PlaintextLogin::loopback, "127.0.0.1", true},
      {config::PlaintextLogin::loopback, "::1", true},
      {config::PlaintextLogin::loopback, "127.8.9.1", true},
      {config::PlaintextLogin::loopback, "192.168.10.2", false},
      {config::PlaintextLogin::loopback, "fe80::1", false},
      {config::PlaintextLogin::loopback, "", false},
      {config::PlaintextLogin::allowed, "192.168.10.2", true},
      {config::PlaintextLogin::never, "127.0.0.1", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.address);
    auto facts = listener_facts(Protocol::imap);
    facts.plaintext_login = row.setting;
    Scene scene(Protocol::imap, facts, from(row.address));
    scene.accepted();
    scene.client->take_sent();
    scene.client->deliver("a0 CAPABILITY\r\n");
    CHECK((scene.client->sent.find("LOGINDISABLED") == std::string::npos) == row.taken);
    scene.client->deliver("a1 LOGIN scanner secret-word\r\n");
    CHECK((scene.keeper.all<auth::LoginQuestion>().size() == 1) == row.taken);
    CHECK((scene.client->sent.find("a1 NO [PRIVACYREQUIRED]") != std::string::npos) != row.taken);
  }
}

TEST_CASE("FAULTS 56: a PROXY header from whoever is no load balancer ends the session, and is named in the log") {
  using namespace std::string_literals;
  for (const std::string& header :
       {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\na1 LOGIN scanner secret-word\r\n"s, "PROXY UNKNOWN\r\n"s,
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\1\x0a\0\0\2\0\1\0\2"s}) {
    Scene scene(Protocol::imap, {}, from("203.0.113.9"));
    scene.accepted();
    scene.client->deliver(header);
    CHECK(scene.ended);
    const auto events = scene.keeper.all<auth::WorkerEvent>();
    REQUIRE(events.size() == 1);
    CHECK(events[0]->event == "stray_proxy_header");
    CHECK(scene.keeper.all<auth::LoginQuestion>().empty());
  }
  // A tag of that name is a tag.
  Scene scene;
  scene.accepted();
  scene.client->deliver("PROXY LOGIN scanner secret-word\r\n");
  CHECK(scene.keeper.all<auth::LoginQuestion>().size() == 1);
}

TEST_CASE("the time for the load balancer's header is part of the time before login") {
  Scene scene(Protocol::smtp, {}, {.id = session_id, .client_address = "192.0.2.1", .already_waited = 9s});
  scene.accepted();
  scene.client->take_sent();
  scene.clock.advance(50s);
  CHECK(scene.client->sent.empty());
  scene.clock.advance(1s);
  CHECK(scene.client->sent.starts_with("421 4.4.2"));
}

TEST_CASE("a trusted client's MAIL waits for the login and is then the server's to answer") {
  Scene scene(Protocol::smtp, {}, {.id = session_id, .client_address = "192.168.10.21", .trust = TrustedClient::yes});
  scene.accepted();
  scene.client->take_sent();
  scene.client->deliver("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n");
  const auto questions = scene.keeper.all<auth::LoginQuestion>();
  REQUIRE(questions.size() == 1);
  CHECK(questions[0]->mechanism == auth::ClientMechanism::trusted_address);
  CHECK(questions[0]->client_address == "192.168.10.21");
  CHECK(questions[0]->login.empty());
  CHECK(questions[0]->password.empty());
  CHECK(scene.client->sent.empty());
  scene.session->answered(auth::Denied{.session = session_id, .failure = auth::LoginFailure::limit_reached});
  CHECK(scene.client->sent.starts_with("421 4.3.2"));
}

}  // namespace
}  // namespace saslift::proxy
