#include "proxy/keeper/listeners.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "catch.h"

using namespace saslift;
using namespace saslift::proxy::keeper;

namespace {

config::Listener at(const std::string& address) {
  config::Listener listener;
  listener.name = "imap " + address;
  listener.address = *config::SocketAddress::parse(address);
  return listener;
}

std::vector<config::Listener> list(config::Listener listener) {
  std::vector<config::Listener> listeners;
  listeners.push_back(std::move(listener));
  return listeners;
}

}  // namespace

TEST_CASE("port 0 becomes a port, the socket is close-on-exec and listens") {
  const auto listeners = list(at("127.0.0.1:0"));
  const auto open = open_listeners(listeners);
  REQUIRE(open);
  REQUIRE(open->size() == 1);
  const auto& listener = open->front();
  CHECK(listener.address.port != 0);
  CHECK(listener.settings == &listeners.front());
  CHECK((::fcntl(listener.socket.get(), F_GETFD) & FD_CLOEXEC) != 0);
  int listening = 0;
  socklen_t size = sizeof listening;
  ::getsockopt(listener.socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
  CHECK(listening == 1);

  const auto again = open_listeners(list(at(listener.address.text())));
  REQUIRE_FALSE(again);
  CHECK(again.error().what.find(listener.address.text()) != std::string::npos);
  CHECK(again.error().what.find("another program") != std::string::npos);
}

TEST_CASE("an address that the host lacks is an error, or left out where it is optional") {
  auto listeners = list(at("192.0.2.1:0"));  // RFC 5737: nobody's
  CHECK_FALSE(open_listeners(listeners));
  listeners.front().optional = true;
  CHECK_FALSE(open_listeners(listeners));  // nothing at all to listen on
  listeners.push_back(at("127.0.0.1:0"));
  const auto open = open_listeners(listeners);
  REQUIRE(open);
  CHECK(open->size() == 1);
}

TEST_CASE("[::] takes IPv4 too, unless a listener of its own does") {
  const auto takes_only_ipv6 = [](const OpenListener& listener) {
    int only = -1;
    socklen_t size = sizeof only;
    ::getsockopt(listener.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, &size);
    return only;
  };
  auto open = open_listeners(list(at("[::]:0")));
  REQUIRE(open);
  CHECK(takes_only_ipv6(open->front()) == 0);

  auto listeners = list(at("[::]:" + std::to_string(open->front().address.port)));
  const auto port = open->front().address.port;
  listeners.push_back(at("0.0.0.0:" + std::to_string(port)));
  open->front().socket.close();
  const auto both = open_listeners(listeners);
  REQUIRE(both);
  CHECK(takes_only_ipv6(both->front()) == 1);
}

TEST_CASE("after a reload a socket whose address is still wanted is the same socket, others are opened or left") {
  std::vector<config::Listener> before;
  before.push_back(at("127.0.0.1:0"));
  before.push_back(at("127.0.0.1:0"));
  before[1].protocol = config::Protocol::smtp;
  auto open = open_listeners(before);
  REQUIRE(open);
  const int imap = open->at(0).socket.get();
  const int smtp = open->at(1).socket.get();

  std::vector<config::Listener> wanted;
  wanted.push_back(at("[::1]:0"));
  wanted[0].optional = true;
  wanted.push_back(at("127.0.0.1:0"));
  wanted[1].protocol = config::Protocol::smtp;
  auto reopened = reopen_listeners(*open, wanted);
  REQUIRE(reopened);
  CHECK(reopened->back().socket.get() == smtp);
  CHECK(reopened->back().settings == &wanted[1]);
  CHECK(reopened->back().address.port == open->at(1).address.port);
  CHECK(open->at(0).socket.get() == imap);  // nobody wants it: closed with `open`
  CHECK_FALSE(open->at(1).socket);

  undo({.before = *open, .now = *reopened});
  CHECK(open->at(1).socket.get() == smtp);
}

TEST_CASE("a reload that cannot listen somewhere leaves every socket where it is") {
  const auto before = list(at("127.0.0.1:0"));
  auto open = open_listeners(before);
  REQUIRE(open);
  const int socket = open->front().socket.get();
  std::vector<config::Listener> wanted;
  wanted.push_back(at("127.0.0.1:0"));
  wanted.push_back(at("192.0.2.1:0"));  // RFC 5737: nobody's
  const auto reopened = reopen_listeners(*open, wanted);
  REQUIRE_FALSE(reopened);
  CHECK(reopened.error().what.find("192.0.2.1") != std::string::npos);
  CHECK(open->front().socket.get() == socket);
}

TEST_CASE("an address with a port of its own may pass from one protocol to another") {
  const auto any = list(at("127.0.0.1:0"));
  auto first = open_listeners(any);
  REQUIRE(first);
  const auto before = list(at(first->front().address.text()));
  first->front().settings = &before.front();
  auto wanted = list(at(first->front().address.text()));
  wanted.front().protocol = config::Protocol::pop3;
  const int socket = first->front().socket.get();
  const auto reopened = reopen_listeners(*first, wanted);
  REQUIRE(reopened);
  CHECK(reopened->front().socket.get() == socket);
}
