// The relay of a session, between in-memory streams with a hand clock: every order in which the two sides close.
#include "catch.h"
#include "scene.h"

namespace saslift::proxy {
namespace {

using namespace testing;

TEST_CASE("FAULTS 68: the fast side is not read while the slow side does not take") {
  Scene scene;
  scene.relaying();
  scene.client->takes = false;
  scene.server->deliver(std::string(1000, 'x'));
  CHECK_FALSE(scene.server->reading);
  CHECK(scene.client->reading);
  scene.client->drain();
  CHECK(scene.server->reading);
  CHECK(scene.client->sent.size() == 1000);
}

TEST_CASE("FAULTS 67: a half-close passes on, and the other direction goes on") {
  Scene scene;
  scene.relaying();
  SECTION("client first") {
    scene.client->end();
    CHECK(scene.server->finished);
    scene.server->deliver("still here");
    CHECK(scene.client->take_sent() == "still here");
    scene.server->end();
    CHECK(scene.ended);
    CHECK(scene.end_reason() == "client_closed");
  }
  SECTION("server first") {
    scene.server->end();
    CHECK(scene.client->finished);
    scene.client->deliver("bye");
    CHECK(scene.server->take_sent() == "bye");
    scene.client->end();
    CHECK(scene.ended);
    CHECK(scene.end_reason() == "server_closed");
  }
  SECTION("half-closed and silent for 60 s") {
    scene.client->end();
    scene.clock.advance(half_closed_silence_limit);
    scene.clock.advance(linger_limit);
    CHECK(scene.ended);
  }
  SECTION("TLS 1.2 has no half-close: the server gets a quiet second to finish its answer") {
    scene.server->half_close = net::HalfClose::closes_all;
    scene.client->deliver("a9 LOGOUT\r\n");
    scene.client->end();
    CHECK_FALSE(scene.server->finished);
    scene.server->deliver("* BYE\r\n");
    CHECK(scene.client->take_sent() == "* BYE\r\n");
    scene.clock.advance(no_half_close_silence_limit);
    CHECK(scene.server->finished);
    CHECK(scene.ended);
  }
  SECTION("a missing close_notify is named") {
    scene.server->end(net::Ending::truncated);
    scene.client->end();
    CHECK(scene.end_reason() == "server_closed_without_close_notify");
  }
}

TEST_CASE("FAULTS 67, 73: what was received is flushed before a close, whoever fails") {
  Scene scene;
  scene.relaying();
  scene.client->takes = false;
  scene.server->deliver("the last words");
  scene.server->fail("connection reset");
  CHECK_FALSE(scene.client->closed);
  CHECK_FALSE(scene.ended);
  scene.client->drain();
  CHECK(scene.client->sent == "the last words");
  scene.client->end();
  CHECK(scene.ended);
  CHECK(scene.end_reason() == "server_failed: connection reset");
}

TEST_CASE("a reader that never takes the last bytes is given up after 60 s") {
  Scene scene;
  scene.relaying();
  scene.client->takes = false;
  scene.server->deliver("the last words");
  scene.server->fail("connection reset");
  scene.clock.advance(flush_limit - 1s);
  CHECK_FALSE(scene.ended);
  scene.clock.advance(1s);
  CHECK(scene.ended);
}

TEST_CASE("what a stream still says after its relay was ended by force reaches nobody") {
  Scene scene;
  scene.relaying();
  scene.session->end_now("drain_deadline");
  scene.client->fail("connection reset");
  scene.server->deliver("too late");
  scene.server->end();
  CHECK(scene.end_reason() == "drain_deadline");
  CHECK(scene.keeper.all<auth::SessionEnded>().size() == 1);
}

TEST_CASE("an idle relay lives 35 minutes, and any byte renews it") {
  Scene scene;
  scene.relaying();
  scene.clock.advance(34min);
  scene.server->deliver("* OK still here\r\n");
  scene.clock.advance(34min);
  CHECK_FALSE(scene.client->finished);
  scene.clock.advance(1min);
  CHECK(scene.client->finished);
  scene.clock.advance(linger_limit);
  CHECK(scene.end_reason() == "idle");
}

}  // namespace
}  // namespace saslift::proxy
