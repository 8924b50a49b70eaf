// A session on its way, step by step: accepted, asked, granted, connected, relaying.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "fakes.h"
#include "proxy/imap/client_side.h"
#include "proxy/imap/farewell.h"
#include "proxy/imap/server_side.h"
#include "proxy/imap/watch.h"
#include "proxy/pop3/client_side.h"
#include "proxy/pop3/farewell.h"
#include "proxy/pop3/server_side.h"
#include "proxy/pop3/watch.h"
#include "proxy/session/session.h"
#include "proxy/smtp/client_side.h"
#include "proxy/smtp/farewell.h"
#include "proxy/smtp/rewriting/rewriter.h"
#include "proxy/smtp/server_side.h"
#include "proxy/smtp/watch.h"

namespace saslift::proxy::testing {

using namespace std::chrono_literals;
using config::Protocol;

inline constexpr auth::SessionId session_id = 0x7f3a0001;

inline ListenerFacts listener_facts(Protocol protocol) {
  ListenerFacts facts;
  facts.protocol = protocol;
  facts.client_side.hostname = "box.example";
  switch (protocol) {
    case Protocol::imap:
      facts.row = {imap::make_client_side, imap::make_server_side, imap::farewell, imap::watch()};
      break;
    case Protocol::pop3:
      facts.row = {pop3::make_client_side, pop3::make_server_side, pop3::farewell, pop3::watch()};
      break;
    case Protocol::smtp:
      facts.row = {smtp::make_client_side, smtp::make_server_side, smtp::farewell, smtp::watch(),
                   smtp::rewriting::make_stage};
      break;
  }
  return facts;
}

// Each test starts where its subject starts: accepted, asked, granted, connected, relaying.
struct Scene {
  explicit Scene(Protocol protocol_ = Protocol::imap, std::optional<ListenerFacts> facts = {},
                 SessionFacts client_facts = {.id = session_id, .client_address = "127.0.0.1"})
      : protocol(protocol_), listener(facts ? *facts : listener_facts(protocol_)) {
    session = std::make_unique<Session>(listener, std::move(client_facts), std::make_unique<WireStream>(client),
                                        Surroundings{clock, keeper, dialer, tls}, [this] { ended = true; });
  }
  ~Scene() {
    clock.run_tasks();
    session.reset();
    clock.run_tasks();
  }

  Scene& accepted() {
    session->start();
    return *this;
  }
  Scene& asked() {
    accepted();
    send_login();
    REQUIRE(keeper.all<auth::LoginQuestion>().size() == 1);
    return *this;
  }
  void send_login() {
    switch (protocol) {
      case Protocol::imap:
        return client->deliver("a1 LOGIN scanner secret-word\r\n");
      case Protocol::pop3:
        return client->deliver("USER scanner\r\nPASS secret-word\r\n");
      case Protocol::smtp:
        client->deliver("EHLO scanner\r\n");
        return client->deliver("AUTH PLAIN AHNjYW5uZXIAc2VjcmV0LXdvcmQ=\r\n");
    }
  }
  // The same, without line ends, each to be waited for.
  [[nodiscard]] std::vector<std::string> login_lines() const {
    switch (protocol) {
      case Protocol::imap:
        return {"a1 LOGIN scanner secret-word"};
      case Protocol::pop3:
        return {"USER scanner", "PASS secret-word"};
      case Protocol::smtp:
        return {"EHLO scanner", "AUTH PLAIN AHNjYW5uZXIAc2VjcmV0LXdvcmQ="};
    }
    return {};
  }
  // From the question on.
  Scene& log_in_at_server() {
    session->answered(grant(config::UpstreamTls::implicit));
    clock.run_tasks();
    server = dialer.connect();
    server->secure();
    switch (protocol) {
      case Protocol::imap:
        server->deliver("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready\r\n");
        last_sent = server->take_sent();
        server->deliver(auth_tag() + " OK done\r\n");
        break;
      case Protocol::pop3:
        for (const char* reply : {"+OK ready\r\n", "+ \r\n", "+OK done\r\n"}) server->deliver(reply);
        break;
      case Protocol::smtp:
        server->deliver("220 outlook.example ESMTP\r\n");
        server->deliver("250-outlook.example\r\n250 AUTH XOAUTH2\r\n");
        for (const char* reply : {"334 \r\n", "235 2.7.0 yes\r\n"}) server->deliver(reply);
        break;
    }
    return *this;
  }
  Scene& granted(config::UpstreamTls upstream_tls = config::UpstreamTls::implicit) {
    asked();
    session->answered(grant(upstream_tls));
    clock.run_tasks();
    REQUIRE(dialer.dialed.size() == 1);
    return *this;
  }
  static auth::Granted grant(config::UpstreamTls upstream_tls) {
    auth::Granted granted;
    granted.session = session_id;
    granted.mailbox = "scans@contoso.com";
    granted.token_id = 7;
    granted.access_token = config::Secret("token-word");
    granted.host = "outlook.example";
    granted.port = 993;
    granted.tls = upstream_tls;
    granted.addresses = {"192.0.2.1"};
    return granted;
  }
  Scene& connected() {
    granted();
    server = dialer.connect();
    server->secure();
    return *this;
  }
  // IMAP only.
  Scene& token_sent() {
    connected();
    server->deliver("* OK ready\r\n");
    CHECK(server->take_sent().find("CAPABILITY") != std::string::npos);
    server->deliver("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR\r\n" + tag_of_last() + " OK done\r\n");
    last_sent = server->take_sent();
    CHECK(last_sent.find("AUTHENTICATE XOAUTH2 ") != std::string::npos);
    return *this;
  }
  Scene& relaying() {
    token_sent();
    client->take_sent();
    server->deliver(auth_tag() + " OK AUTHENTICATE completed.\r\n");
    CHECK(client->take_sent().starts_with("a1 OK"));
    return *this;
  }
  // SMTP only: what follows is mail.
  Scene& smtp_relaying(auth::Granted answer) {
    asked();
    session->answered(std::move(answer));
    clock.run_tasks();
    server = dialer.connect();
    server->secure();
    server->deliver("220 outlook.example ESMTP\r\n");
    server->deliver("250-outlook.example\r\n250 AUTH XOAUTH2\r\n");
    server->deliver("334 \r\n");
    client->take_sent();
    server->deliver("235 2.7.0 yes\r\n");
    CHECK(client->take_sent().starts_with("235"));
    server->take_sent();
    return *this;
  }
  // POP3 only.
  Scene& pop3_relaying() {
    accepted();
    client->deliver("USER scanner\r\nPASS secret-word\r\n");
    session->answered(grant(config::UpstreamTls::implicit));
    clock.run_tasks();
    server = dialer.connect();
    server->secure();
    server->deliver("+OK ready\r\n");
    server->deliver("+ \r\n");
    client->take_sent();
    server->deliver("+OK User successfully authenticated.\r\n");
    CHECK(client->take_sent().starts_with("+OK"));
    server->take_sent();
    return *this;
  }
  // The fixed tags of the server side.
  std::string tag_of_last() { return "C"; }
  std::string auth_tag() { return last_sent.substr(0, last_sent.find(' ')); }

  std::string end_reason() {
    clock.run_tasks();
    const auto ends = keeper.all<auth::SessionEnded>();
    return ends.empty() ? "" : ends.back()->reason;
  }

  Protocol protocol;
  ListenerFacts listener;
  HandClock clock;
  RecordingKeeper keeper;
  HandDialer dialer;
  PlainTls tls;
  std::shared_ptr<Wire> client = std::make_shared<Wire>();
  std::shared_ptr<Wire> server;
  std::string last_sent;
  bool ended = false;
  std::unique_ptr<Session> session;
};

}  // namespace saslift::proxy::testing
