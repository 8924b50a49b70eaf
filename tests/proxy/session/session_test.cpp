// A session up to its login, between in-memory streams with a hand clock: every deadline, every way a login dies. The
// relay: relay_test.cpp.
#include "proxy/session/session.h"

#include "catch.h"
#include "scene.h"

namespace saslift::proxy {
namespace {

using namespace testing;

TEST_CASE("one IMAP login asks one question, dials after the yes, and relays") {
  Scene scene;
  scene.relaying();
  const auto questions = scene.keeper.all<auth::LoginQuestion>();
  REQUIRE(questions.size() == 1);
  CHECK(questions[0]->login == "scanner");
  CHECK(questions[0]->password.reveal() == "secret-word");
  CHECK(scene.tls.provider_hosts == std::vector<std::string>{"outlook.example"});
  CHECK(scene.keeper.all<auth::LoginSucceeded>().size() == 1);

  scene.client->deliver("a2 SELECT INBOX\r\n");
  CHECK(scene.server->take_sent() == "a2 SELECT INBOX\r\n");
  scene.server->deliver("a2 OK\r\n");
  CHECK(scene.client->take_sent() == "a2 OK\r\n");
}

TEST_CASE("nothing reaches the provider before the keeper's yes, nor before TLS stands") {
  Scene scene;
  scene.asked();
  scene.clock.advance(5s);
  CHECK(scene.dialer.dialed.empty());
  scene.session->answered(Scene::grant(config::UpstreamTls::implicit));
  scene.server = scene.dialer.connect();
  CHECK(scene.server->sent.empty());
}

TEST_CASE("the client's own login line never goes out, its pipelined commands do, in order (FAULTS 18)") {
  Scene scene;
  scene.accepted();
  scene.client->deliver("a1 LOGIN scanner secret-word\r\na2 NOOP\r\na3 SEL");
  scene.client->deliver("ECT INBOX\r\n");
  scene.session->answered(Scene::grant(config::UpstreamTls::implicit));
  scene.server = scene.dialer.connect();
  scene.server->secure();
  scene.server->deliver("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready\r\n");
  scene.last_sent = scene.server->take_sent();
  CHECK(scene.last_sent.find("secret-word") == std::string::npos);
  scene.server->deliver(scene.auth_tag() + " OK done\r\n* 3 EXISTS\r\n");
  CHECK(scene.server->take_sent() == "a2 NOOP\r\na3 SELECT INBOX\r\n");
  CHECK(scene.client->sent.ends_with("* 3 EXISTS\r\n"));
}

TEST_CASE("the LF of the login's CRLF does not go out, however late it comes; any other byte does") {
  Scene scene(GENERATE(Protocol::imap, Protocol::pop3, Protocol::smtp));
  const std::string late = GENERATE(as<std::string>{}, "\n", "\nb NOOP\r\n", "b NOOP\r\n");
  scene.accepted();
  for (const auto& line : scene.login_lines()) scene.client->deliver(line + "\r");
  scene.log_in_at_server();
  scene.server->take_sent();
  scene.client->deliver(late);
  scene.client->deliver("\n");
  CHECK(scene.server->take_sent() == (late == "\n" ? "\n" : "b NOOP\r\n\n"));
}

TEST_CASE("a client that floods behind its login is not read beyond the cap") {
  Scene scene;
  scene.asked();
  scene.client->deliver(std::string(most_unread, 'x'));
  CHECK_FALSE(scene.client->reading);
}

TEST_CASE("a client that sends commands and reads no replies is not read either") {
  Scene scene;
  scene.accepted();
  scene.client->takes = false;
  scene.client->deliver("a NOOP\r\n");
  CHECK_FALSE(scene.client->reading);
  scene.client->drain();
  CHECK(scene.client->reading);
}

TEST_CASE("every LoginFailure of the keeper is told in each protocol's words with its reference") {
  struct Row {
    auth::LoginFailure failure;
    const char *imap, *pop3, *smtp;
  };
  using enum auth::LoginFailure;
  const auto row = GENERATE(values<Row>({
      {bad_credentials, "NO [AUTHENTICATIONFAILED]", "-ERR [AUTH]", "535 5.7.8"},
      {not_permitted, "NO [CONTACTADMIN]", "-ERR [AUTH]", "535 5.7.8"},
      {authzid_refused, "NO [AUTHORIZATIONFAILED]", "-ERR [AUTH]", "535 5.7.8"},
      {sign_in_needed, "NO [CONTACTADMIN]", "-ERR [SYS/PERM]", "535 5.7.0"},
      {identity_refused, "NO [CONTACTADMIN]", "-ERR [SYS/PERM]", "535 5.7.0"},
      {token_unavailable, "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "454 4.7.0"},
      {server_unreachable, "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "454 4.7.0"},
      {server_protocol_error, "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "454 4.7.0"},
      {timeout, "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "454 4.7.0"},
      {limit_reached, "NO [LIMIT]", "-ERR [IN-USE]", "421 4.3.2"},
      {overloaded, "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "421 4.3.2"},
      {shutting_down, "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "421 4.3.2"},
      {keeper_away, "NO [UNAVAILABLE]", "-ERR [SYS/TEMP]", "421 4.3.2"},
  }));
  const auto protocol = GENERATE(Protocol::imap, Protocol::pop3, Protocol::smtp);
  Scene scene(protocol);
  scene.asked();
  scene.client->take_sent();
  scene.session->answered(auth::Denied{session_id, row.failure, "Ask your administrator"});
  const auto reply = scene.client->take_sent();
  INFO(auth::name_of(row.failure) << ": " << reply);
  const char* expected = protocol == Protocol::imap ? row.imap : protocol == Protocol::pop3 ? row.pop3 : row.smtp;
  CHECK(reply.find(expected) != std::string::npos);
  if (row.failure != bad_credentials) CHECK(reply.find(auth::reference_of(session_id)) != std::string::npos);
}

TEST_CASE("a wrong login can be followed by a right one; the third wrong one ends it") {
  Scene scene;
  scene.asked();
  for (int failed = 1; failed <= 3; ++failed) {
    scene.client->take_sent();
    scene.session->answered(auth::Denied{session_id, auth::LoginFailure::bad_credentials, ""});
    CHECK(scene.client->sent.find("AUTHENTICATIONFAILED") != std::string::npos);
    if (failed < 3) {
      CHECK_FALSE(scene.client->finished);
      scene.send_login();
    }
  }
  CHECK(scene.client->finished);
  scene.clock.advance(linger_limit);
  CHECK(scene.ended);
}

TEST_CASE("FAULTS 65: a dripping client has 60 s in all before login") {
  for (const auto protocol : {Protocol::imap, Protocol::pop3, Protocol::smtp}) {
    Scene scene(protocol);
    scene.accepted();
    for (int i = 0; i < 59; ++i) {
      scene.clock.advance(1s);
      scene.client->deliver("x");
    }
    CHECK_FALSE(scene.client->finished);
    scene.client->take_sent();
    scene.clock.advance(1s);
    CHECK(scene.client->finished);
    const char* words = protocol == Protocol::imap ? "* BYE" : protocol == Protocol::pop3 ? "-ERR" : "421 4.4.2";
    CHECK(scene.client->sent.starts_with(words));
    scene.clock.advance(linger_limit);
    CHECK(scene.ended);
  }
}

TEST_CASE("time in which the client waits for us does not count against it") {
  Scene scene;
  scene.asked();
  scene.clock.advance(20s);
  scene.session->answered(auth::Denied{session_id, auth::LoginFailure::token_unavailable, ""});
  scene.clock.advance(59s);
  CHECK_FALSE(scene.client->finished);
  scene.clock.advance(1s);
  CHECK(scene.client->finished);
}

TEST_CASE("login_timeout holds in every phase of a login: the device never waits longer") {
  SECTION("no answer from the keeper: told, and ended, so that a late answer meets no other question") {
    Scene scene;
    scene.asked();
    scene.client->take_sent();
    scene.clock.advance(25s);
    CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
    CHECK(scene.client->finished);
    scene.session->answered(Scene::grant(config::UpstreamTls::implicit));
    CHECK(scene.dialer.dialed.empty());
  }
  SECTION("connecting") {
    Scene scene;
    scene.granted();
    scene.client->take_sent();
    scene.clock.advance(25s);
    CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
    CHECK(scene.dialer.given_up());
  }
  SECTION("FAULTS 69: the server is silent after its greeting") {
    Scene scene;
    scene.token_sent();
    scene.client->take_sent();
    scene.clock.advance(25s);
    CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
    CHECK(scene.server->closed);
    REQUIRE(scene.keeper.all<auth::LoginDied>().size() == 1);
    CHECK(scene.keeper.all<auth::LoginDied>()[0]->failure == auth::LoginFailure::timeout);
  }
  SECTION("the TLS handshake with the server has 10 s") {
    Scene scene;
    scene.granted();
    scene.server = scene.dialer.connect();
    scene.client->take_sent();
    scene.clock.advance(handshake_limit);
    CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
    CHECK(scene.keeper.all<auth::LoginDied>()[0]->failure == auth::LoginFailure::server_unreachable);
  }
}

TEST_CASE("FAULTS 70: an unreachable server is temporary, and the client may try again") {
  Scene scene;
  scene.granted();
  scene.client->take_sent();
  scene.dialer.fail("192.0.2.1: connection refused");
  CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
  REQUIRE(scene.keeper.all<auth::LoginDied>().size() == 1);
  CHECK(scene.keeper.all<auth::LoginDied>()[0]->detail == "outlook.example: 192.0.2.1: connection refused");
  scene.send_login();
  CHECK(scene.keeper.all<auth::LoginQuestion>().size() == 2);
}

TEST_CASE("FAULTS 58: a certificate that does not verify is temporary, and no token went out") {
  Scene scene;
  scene.granted();
  scene.server = scene.dialer.connect();
  scene.client->take_sent();
  scene.server->reader->failed({net::StreamFailure::tls_certificate, "certificate of outlook.example: expired"});
  CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
  CHECK(scene.server->sent.empty());
  CHECK(scene.keeper.all<auth::LoginDied>()[0]->detail.find("expired") != std::string::npos);
}

TEST_CASE("FAULTS 40: a refused token is reported, and the second answer decides") {
  Scene scene;
  scene.token_sent();
  scene.client->take_sent();
  scene.server->deliver(scene.auth_tag() + " NO AUTHENTICATE failed.\r\n");
  REQUIRE(scene.keeper.all<auth::TokenRefused>().size() == 1);
  CHECK(scene.keeper.all<auth::TokenRefused>()[0]->token_id == 7);
  CHECK(scene.client->sent.empty());
  SECTION("a newer token") {
    auto again = Scene::grant(config::UpstreamTls::implicit);
    again.token_id = 8;
    scene.session->answered(std::move(again));
    scene.clock.run_tasks();
    CHECK(scene.dialer.dialed.size() == 2);
    CHECK(scene.server->closed);
  }
  SECTION("no") {
    scene.session->answered(auth::Denied{session_id, auth::LoginFailure::identity_refused, ""});
    CHECK(scene.client->sent.find("NO [CONTACTADMIN]") != std::string::npos);
  }
}

TEST_CASE("STARTTLS towards the server: no token before TLS stands") {
  Scene scene(Protocol::smtp);
  scene.granted(config::UpstreamTls::starttls);
  scene.server = scene.dialer.connect();
  scene.server->deliver("220 outlook.example ESMTP\r\n");
  CHECK(scene.server->take_sent() == "EHLO box.example\r\n");
  scene.server->deliver("250-outlook.example\r\n250 STARTTLS\r\n");
  CHECK(scene.server->take_sent() == "STARTTLS\r\n");
  scene.server->deliver("220 go\r\n");
  CHECK(scene.server->sent.empty());
  CHECK(scene.tls.provider_hosts.size() == 1);
  scene.server->secure();
  CHECK(scene.server->take_sent() == "EHLO box.example\r\n");
}

TEST_CASE("a client that leaves while we ask is noticed and its question withdrawn") {
  Scene scene;
  scene.asked();
  scene.client->end();
  CHECK(scene.keeper.all<auth::Withdrawn>().size() == 1);
  CHECK(scene.end_reason() == "client_left");
  CHECK(scene.ended);
}

TEST_CASE("a client that pipelines everything and closes its half gets its answers") {
  Scene scene;
  scene.accepted();
  scene.client->deliver("a1 LOGIN scanner secret-word\r\na2 LOGOUT\r\n");
  scene.client->end();
  CHECK(scene.keeper.all<auth::Withdrawn>().empty());
  scene.session->answered(Scene::grant(config::UpstreamTls::implicit));
  scene.server = scene.dialer.connect();
  scene.server->secure();
  scene.server->deliver("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready\r\n");
  scene.last_sent = scene.server->take_sent();
  scene.server->deliver(scene.auth_tag() + " OK done\r\n");
  CHECK(scene.server->sent == "a2 LOGOUT\r\n");
  CHECK(scene.server->finished);
  scene.server->deliver("* BYE\r\na2 OK\r\n");
  scene.server->end();
  CHECK(scene.client->sent.ends_with("a2 OK\r\n"));
  CHECK(scene.ended);
}

TEST_CASE("when the keeper is away a login hears so at once") {
  Scene scene;
  scene.accepted();
  scene.keeper.line_now = Keeper::Line::away;
  scene.client->take_sent();
  scene.send_login();
  CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
  CHECK(scene.keeper.all<auth::LoginQuestion>().empty());
}

TEST_CASE("beyond 256 open questions a login hears overloaded") {
  Scene scene(Protocol::smtp);
  scene.accepted();
  scene.keeper.line_now = Keeper::Line::overloaded;
  scene.client->take_sent();
  scene.send_login();
  CHECK(scene.client->sent.find("421 4.3.2") != std::string::npos);
  REQUIRE(scene.keeper.all<auth::WorkerEvent>().size() == 1);
  CHECK(scene.keeper.all<auth::WorkerEvent>()[0]->session == session_id);
}

TEST_CASE("credentials too long for a question are refused like wrong ones, and logged") {
  Scene scene;
  scene.accepted();
  scene.client->take_sent();
  scene.client->deliver("a1 LOGIN scanner \"" + std::string(longest_credentials, 'x') + "\"\r\n");
  CHECK(scene.client->sent.find("NO [AUTHENTICATIONFAILED]") != std::string::npos);
  CHECK(scene.keeper.all<auth::LoginQuestion>().empty());
  CHECK(scene.keeper.all<auth::WorkerEvent>().size() == 1);
}

TEST_CASE("a client that goes on sending after its end was told is cut off") {
  Scene scene;
  scene.accepted();
  scene.clock.advance(pre_login_patience);
  CHECK(scene.client->finished);
  scene.client->deliver(std::string(most_discarded, 'x'));
  CHECK_FALSE(scene.ended);
  scene.client->deliver("x");
  CHECK(scene.ended);
}

TEST_CASE("a half-closed client that pipelined hears why its login failed") {
  Scene scene;
  scene.accepted();
  scene.client->deliver("a1 LOGIN scanner secret-word\r\na2 LOGOUT\r\n");
  scene.client->end();
  scene.client->take_sent();
  scene.session->answered(auth::Denied{session_id, auth::LoginFailure::bad_credentials, ""});
  CHECK(scene.client->sent.find("a1 NO [AUTHENTICATIONFAILED]") != std::string::npos);
  CHECK(scene.client->sent.find("* BYE") != std::string::npos);
  CHECK(scene.ended);
}

TEST_CASE("a refused token is temporary while the keeper cannot be asked about it") {
  Scene scene;
  scene.token_sent();
  scene.client->take_sent();
  scene.keeper.line_now = Keeper::Line::overloaded;
  scene.server->deliver(scene.auth_tag() + " NO AUTHENTICATE failed.\r\n");
  CHECK(scene.client->sent.find("NO [UNAVAILABLE]") != std::string::npos);
}

TEST_CASE("several replies to one packet go out in one write") {
  Scene scene;
  scene.accepted();
  scene.client->take_sent();
  const auto writes_before = scene.client->writes;
  scene.client->deliver("a NOOP\r\nb NOOP\r\nc NOOP\r\n");
  CHECK(scene.client->writes == writes_before + 1);
}

// --- Relay

TEST_CASE("FAULTS 64: a client that starts no TLS handshake on an implicit listener has 10 s") {
  auto facts = listener_facts(Protocol::imap);
  facts.tls = config::ListenerTls::implicit;
  facts.client_side.tls = auth::ClientTls::active;
  Scene scene(Protocol::imap, facts);
  scene.accepted();
  CHECK(scene.client->sent.empty());
  scene.clock.advance(handshake_limit);
  CHECK(scene.ended);
  CHECK(scene.end_reason() == "client_handshake_timeout");
}

}  // namespace
}  // namespace saslift::proxy
