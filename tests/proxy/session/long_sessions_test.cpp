// After login: what the server says is told to the keeper and to the client alike, and sessions last as long as
// slow devices, idle mail programs and tokens do.
#include "catch.h"
#include "scene.h"

namespace saslift::proxy {
namespace {

using namespace testing;

auth::Granted smtp_grant() { return Scene::grant(config::UpstreamTls::implicit); }

std::vector<std::string> words_said(const Scene& scene) {
  std::vector<std::string> words;
  for (const auto* said : scene.keeper.all<auth::ServerSaid>()) words.push_back(said->words);
  return words;
}

TEST_CASE("authenticated but not connected: the keeper hears of it, the client gets the provider's own words") {
  Scene scene;
  scene.relaying();
  scene.client->deliver("a2 CAPABILITY\r\n");
  scene.server->deliver("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\na2 OK CAPABILITY completed.\r\n");
  scene.client->deliver("a3 LIST \"\" *\r\n");
  scene.client->take_sent();
  scene.server->deliver("a3 BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n");
  CHECK(scene.client->take_sent() ==
        "a3 BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n");
  CHECK(words_said(scene) ==
        std::vector<std::string>{"a3 BAD User is authenticated but not connected.", "* BYE Connection closed. 14"});
  REQUIRE(scene.keeper.all<auth::ServerSaid>().size() == 2);
  CHECK(scene.keeper.all<auth::ServerSaid>()[0]->session == session_id);
  CHECK(scene.keeper.all<auth::ServerSaid>()[0]->protocol == Protocol::imap);
}

TEST_CASE("a server that closes at the token's end: its BYE is passed on, and the end is logged as such") {
  const std::string bye = "* BYE Session invalidated - AccessTokenExpired\r\n";
  Scene scene;
  scene.relaying();
  scene.client->deliver("a2 IDLE\r\n");
  scene.server->deliver("+ idling\r\n" + std::string(1 << 16, 'x') + "\r\n");  // long past the first answers
  scene.clock.advance(29min);
  scene.client->take_sent();
  scene.server->deliver(bye);
  CHECK(scene.client->take_sent() == bye);
  SECTION("the server closes first") {
    scene.server->end();
    scene.client->end();
  }
  SECTION("the client does") {
    scene.client->end();
    scene.server->end();
  }
  SECTION("the connection is reset") { scene.server->fail("connection reset by peer"); }
  scene.clock.advance(linger_limit);
  CHECK(scene.end_reason() == "token_expired");
  CHECK(words_said(scene) == std::vector<std::string>{"* BYE Session invalidated - AccessTokenExpired"});
}

TEST_CASE("IMAP IDLE lasts as long as the client renews it within 29 minutes") {
  Scene scene;
  scene.relaying();
  for (int hour = 0; hour < 8; ++hour) {
    scene.client->deliver("a2 IDLE\r\n");
    scene.server->deliver("+ idling\r\n");
    scene.clock.advance(29min);
    CHECK_FALSE(scene.client->finished);
    scene.client->deliver("DONE\r\n");
    CHECK(scene.server->take_sent().ends_with("DONE\r\n"));
    scene.server->deliver("a2 OK IDLE completed.\r\n");
    CHECK(scene.client->take_sent().ends_with("a2 OK IDLE completed.\r\n"));
  }
}

TEST_CASE("a scanner that sends a page a minute is waited for, and so is the server's word on it for ten") {
  Scene scene(Protocol::smtp);
  scene.smtp_relaying(smtp_grant());
  scene.client->deliver("DATA\r\n");
  scene.server->deliver("354 Start mail input\r\n");
  scene.client->take_sent();
  scene.server->take_sent();
  std::string sent;
  for (int page = 0; page < 60; ++page) {
    const std::string bytes = "page " + std::to_string(page) + "\r\n";
    scene.client->deliver(bytes);
    sent += bytes;
    scene.clock.advance(60s);
  }
  scene.client->deliver(".\r\n");
  CHECK(scene.server->take_sent() == sent + ".\r\n");
  scene.clock.advance(10min);  // RFC 5321 4.5.3.2.6
  CHECK_FALSE(scene.client->finished);
  CHECK(scene.session->end_if_idle());  // nor does a drain cut it off
  scene.server->deliver("250 2.0.0 OK\r\n");
  CHECK(scene.client->take_sent() == "250 2.0.0 OK\r\n");
}

TEST_CASE("SMTP refusals are told whenever they come, and a client that leaves without QUIT has left") {
  Scene scene(Protocol::smtp);
  scene.smtp_relaying(smtp_grant());
  for (int message = 0; message < 1000; ++message) scene.server->deliver("250 2.0.0 OK\r\n");
  scene.server->deliver("554 5.2.252 SendAsDenied\r\n");
  CHECK(scene.client->take_sent().ends_with("554 5.2.252 SendAsDenied\r\n"));
  CHECK(words_said(scene) == std::vector<std::string>{"554 5.2.252 SendAsDenied"});
  scene.client->end();
  scene.server->end();
  scene.clock.advance(linger_limit);
  CHECK(scene.end_reason() == "client_closed");
}

TEST_CASE("POP3: the last words before the server closes are told") {
  Scene scene(Protocol::pop3);
  scene.pop3_relaying();
  scene.client->deliver("RETR 1\r\n");
  scene.server->deliver("+OK\r\n" + std::string(1 << 20, 'x') + "\r\n.\r\n");
  scene.server->deliver("-ERR Protocol error. Connection is closed. 10\r\n");
  CHECK(words_said(scene).empty());
  scene.server->end();
  scene.client->end();
  scene.clock.advance(linger_limit);
  CHECK(words_said(scene) == std::vector<std::string>{"-ERR Protocol error. Connection is closed. 10"});
  CHECK(scene.end_reason() == "server_closed");
}

TEST_CASE("a server's last words count also if they come in pieces, long after the login") {
  Scene scene;
  scene.relaying();
  scene.server->deliver(std::string(8 * 1024, 'x') + "\r\n");
  scene.server->deliver("* BYE Session inval");
  scene.server->deliver("idated - AccessTokenExpired\r\n");
  scene.server->end();
  scene.client->end();
  scene.clock.advance(linger_limit);
  CHECK(scene.end_reason() == "token_expired");
}

}  // namespace
}  // namespace saslift::proxy
