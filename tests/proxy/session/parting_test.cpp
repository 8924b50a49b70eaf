// Sessions that we end, not their clients or servers: what is said, and what is told to the keeper.
#include "catch.h"
#include "scene.h"

namespace saslift::proxy {
namespace {

using namespace testing;

TEST_CASE("FAULTS 78: on drain an idle IMAP client gets BYE, one in a transfer goes on") {
  Scene scene;
  scene.relaying();
  scene.client->deliver("a2 FETCH 1 BODY[]\r\n");
  scene.clock.advance(5s);
  CHECK(scene.session->end_if_idle());
  scene.server->deliver("a2 OK done\r\n");
  CHECK(scene.session->end_if_idle());
  scene.clock.advance(1s);
  scene.client->take_sent();
  CHECK_FALSE(scene.session->end_if_idle());
  CHECK(scene.client->sent.starts_with("* BYE"));
  CHECK(scene.client->finished);
}

TEST_CASE("FAULTS 78: on drain a scanner that pauses within its message is not cut off") {
  Scene scene(Protocol::smtp);
  scene.granted(config::UpstreamTls::implicit);
  scene.server = scene.dialer.connect();
  scene.server->secure();
  scene.server->deliver("220 outlook.example ESMTP\r\n");
  scene.server->deliver("250-outlook.example\r\n250 AUTH XOAUTH2\r\n");
  scene.server->deliver("334 \r\n");
  scene.server->deliver("235 2.7.0 yes\r\n");
  scene.client->deliver("DATA\r\n");
  scene.server->deliver("354 go on\r\n");
  scene.clock.advance(10s);
  CHECK(scene.session->end_if_idle());
  scene.client->deliver("half a page");
  scene.clock.advance(10s);
  CHECK(scene.session->end_if_idle());
  scene.client->deliver("\r\n.\r\n");
  scene.server->deliver("250 2.0.0 taken\r\n");
  scene.clock.advance(1s);
  CHECK_FALSE(scene.session->end_if_idle());
  CHECK(scene.client->sent.find("421 4.3.2") != std::string::npos);
}

TEST_CASE("an operator ends an idle session with a farewell, one in a transfer at once") {
  Scene idle;
  idle.relaying();
  idle.server->deliver("a2 OK done\r\n");
  idle.client->take_sent();
  idle.session->end_by_operator("kicked");
  CHECK(idle.client->sent == "* BYE The administrator of the mail proxy has ended this session\r\n");
  idle.clock.advance(linger_limit);
  CHECK(idle.end_reason() == "kicked");

  Scene busy;
  busy.relaying();
  busy.server->deliver("* 1 FETCH (BODY[] {100}\r\nhalf a mess");
  busy.client->take_sent();
  busy.session->end_by_operator("kicked");
  CHECK(busy.client->sent.empty());
  CHECK(busy.end_reason() == "kicked");
}

TEST_CASE("what a session relays is told once, while it goes on and at its end") {
  Scene scene;
  scene.relaying();
  static_cast<void>(scene.session->newly_relayed());
  CHECK_FALSE(scene.session->newly_relayed());
  scene.client->deliver("12345");
  scene.server->deliver("123");
  const auto meanwhile = scene.session->newly_relayed();
  REQUIRE(meanwhile);
  CHECK(meanwhile->protocol == Protocol::imap);
  CHECK(meanwhile->bytes_up == 5);
  CHECK(meanwhile->bytes_down == 3);
  scene.server->deliver("1");
  scene.session->end_now("drain_deadline");
  const auto rest = scene.keeper.all<auth::Relayed>();
  REQUIRE(rest.size() == 1);
  CHECK(rest[0]->bytes_up == 0);
  CHECK(rest[0]->bytes_down == 1);
}

TEST_CASE("on drain a client before login is dismissed") {
  Scene scene(Protocol::smtp);
  scene.accepted();
  scene.client->take_sent();
  CHECK_FALSE(scene.session->end_if_idle());
  CHECK(scene.client->sent.starts_with("421 "));
}

}  // namespace
}  // namespace saslift::proxy
