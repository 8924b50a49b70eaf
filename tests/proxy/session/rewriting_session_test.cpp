// A session whose account rewrites: the stage stands in the relay, and only there.
#include "catch.h"
#include "scene.h"

namespace saslift::proxy {
namespace {

using namespace testing;

auth::Granted rewriting_grant(config::RewriteFrom from) {
  auto granted = Scene::grant(config::UpstreamTls::implicit);
  granted.rewrite_from = from;
  granted.sender = "scans@contoso.com";
  return granted;
}

TEST_CASE("with rewrite_from the envelope and the From field are the mailbox's; without it not a byte is") {
  const std::string mail = "MAIL FROM:<a@b> SIZE=9\r\n";
  Scene blind(Protocol::smtp);
  blind.smtp_relaying(rewriting_grant(config::RewriteFrom::no));
  blind.client->deliver(mail + "BDAT 3\r\nxyz");
  CHECK(blind.server->take_sent() == mail + "BDAT 3\r\nxyz");

  Scene scene(Protocol::smtp);
  scene.smtp_relaying(rewriting_grant(config::RewriteFrom::both));
  scene.client->deliver(mail + "DATA\r\n");
  CHECK(scene.server->take_sent() == "MAIL FROM:<scans@contoso.com>\r\nDATA\r\n");
  scene.server->deliver("250 OK\r\n354 go\r\n");
  scene.client->take_sent();
  scene.client->deliver("From: a@b\r\nDate: d\r\nMessage-ID: m\r\n\r\nhi\r\n.\r\n");
  CHECK(scene.server->take_sent() ==
        "From: scans@contoso.com\r\nDate: d\r\nMessage-ID: m\r\nReply-To: a@b\r\n\r\nhi\r\n.\r\n");
  // The provider's words are the client's, and the keeper hears of them.
  scene.server->deliver("554 5.2.252 SendAsDenied\r\n");
  CHECK(scene.client->take_sent() == "554 5.2.252 SendAsDenied\r\n");
  CHECK(scene.keeper.all<auth::ServerSaid>().size() == 1);
}

TEST_CASE("a device that sends everything and closes its half gets its message through and its answers") {
  Scene scene(Protocol::smtp);
  scene.smtp_relaying(rewriting_grant(config::RewriteFrom::envelope));
  scene.client->deliver(
      "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nFrom: a@b\r\nDate: d\r\nMessage-ID: m\r\n\r\nhi\r\n.\r\nQUIT\r\n");
  CHECK_FALSE(scene.client->reading);
  scene.client->end();
  CHECK(scene.server->take_sent().ends_with("DATA\r\n"));
  CHECK_FALSE(scene.server->finished);
  scene.server->deliver("250 a\r\n250 b\r\n354 go\r\n");
  CHECK(scene.server->take_sent() == "From: a@b\r\nDate: d\r\nMessage-ID: m\r\n\r\nhi\r\n.\r\nQUIT\r\n");
  CHECK(scene.server->finished);
  scene.server->deliver("250 c\r\n221 bye\r\n");
  CHECK(scene.client->take_sent().ends_with("250 c\r\n221 bye\r\n"));
  scene.server->end();
  scene.clock.advance(linger_limit);
  CHECK(scene.end_reason() == "client_closed");
}

TEST_CASE(
    "a message that waits for the go-ahead of a slow server outlives its device, and its acknowledgement may take") {
  Scene scene(Protocol::smtp);
  scene.smtp_relaying(rewriting_grant(config::RewriteFrom::envelope));
  scene.server->half_close = net::HalfClose::closes_all;  // TLS 1.2
  scene.client->deliver("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nDate: d\r\nMessage-ID: m\r\n\r\nhi\r\n.\r\n");
  scene.client->end();
  scene.clock.advance(30s);
  scene.server->take_sent();
  scene.server->deliver("250 a\r\n250 b\r\n354 go\r\n");
  CHECK(scene.server->take_sent() == "Date: d\r\nMessage-ID: m\r\n\r\nhi\r\n.\r\n");

  Scene slow(Protocol::smtp);
  slow.smtp_relaying(rewriting_grant(config::RewriteFrom::envelope));
  slow.client->deliver("DATA\r\n");
  slow.server->deliver("354 go\r\n");
  slow.client->deliver("\r\nhi\r\n.\r\n");
  slow.client->take_sent();
  slow.clock.advance(10min);
  CHECK(slow.session->end_if_idle());  // a drain waits for it as well
  slow.server->deliver("250 2.0.0 taken\r\n");
  CHECK(slow.client->take_sent() == "250 2.0.0 taken\r\n");
}

TEST_CASE("a command that the rewriter answers leaves nobody waiting: a drain need not either") {
  Scene scene(Protocol::smtp);
  scene.smtp_relaying(rewriting_grant(config::RewriteFrom::both));
  scene.client->deliver("BDAT 0 LAST\r\n");
  scene.client->take_sent();
  scene.clock.advance(2s);
  CHECK_FALSE(scene.session->end_if_idle());
  CHECK(scene.client->take_sent().starts_with("421 4.3.2 "));
}

TEST_CASE("neither side is read while the other does not take, nor a client that does not read our answers") {
  Scene scene(Protocol::smtp);
  scene.smtp_relaying(rewriting_grant(config::RewriteFrom::both));
  scene.server->takes = false;
  scene.client->deliver("NOOP\r\n");
  CHECK_FALSE(scene.client->reading);
  CHECK(scene.server->reading);
  scene.server->drain();
  CHECK(scene.client->reading);
  scene.client->takes = false;
  scene.server->deliver("250 OK\r\n");
  CHECK_FALSE(scene.server->reading);
  CHECK_FALSE(scene.client->reading);
  scene.client->drain();
  CHECK(scene.server->reading);
  CHECK(scene.client->reading);
  scene.client->takes = false;
  scene.client->deliver("MAIL\r\n");
  CHECK_FALSE(scene.client->reading);
  scene.client->drain();
  CHECK(scene.client->take_sent().ends_with("501 5.5.4 Write it as MAIL FROM:<address>\r\n"));
}

TEST_CASE("what the rewriter cannot go on with ends the session, told and logged") {
  Scene scene(Protocol::smtp);
  scene.smtp_relaying(rewriting_grant(config::RewriteFrom::both));
  scene.client->deliver(std::string(65 * 1024, 'x'));
  CHECK(scene.client->take_sent() == "500 5.5.2 Line too long\r\n");
  CHECK(scene.client->finished);
  scene.clock.advance(linger_limit);
  CHECK(scene.end_reason() == "line_too_long");
}

}  // namespace
}  // namespace saslift::proxy
