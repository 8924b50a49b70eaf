// Real sockets on loopback, ports 0: TCP, TLS over it, connecting, accepting, frames on a socket pair.
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "catch.h"
#include "certificates.h"
#include "proxy/net/connector.h"
#include "proxy/net/frame_pipe.h"
#include "proxy/net/listener.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_stream.h"

namespace saslift::proxy::net {
namespace {

struct Bound {
  int descriptor;
  std::uint16_t port;
};

Bound bind_loopback(int backlog) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  if (backlog > 0) REQUIRE(listen(descriptor, backlog) == 0);
  return {descriptor, ntohs(address.sin_port)};
}

// A reader whose callbacks the test fills in.
struct Hearing final : ByteStream::Reader {
  void received(std::span<char> bytes) override {
    heard.append(bytes.data(), bytes.size());
    if (on_received) on_received();
  }
  void ended(Ending how) override {
    ending = how;
    if (on_ended) on_ended();
  }
  void drained() override {
    if (on_drained) on_drained();
  }
  void failed(const StreamError& what) override {
    error = what;
    if (on_failed) on_failed();
  }
  void secured() override {
    if (on_secured) on_secured();
  }
  std::string heard;
  std::optional<Ending> ending;
  std::optional<StreamError> error;
  std::function<void()> on_received, on_ended, on_drained, on_failed, on_secured;
};

// A test that waits for something that never comes fails instead of hanging.
struct Guard {
  explicit Guard(Loop& loop)
      : timer(loop, [this, &loop] {
          overdue = true;
          loop.stop();
        }) {
    timer.set(auth::Duration{20'000});
  }
  bool overdue = false;
  Timer timer;
};

// One accepted and one connected stream.
struct Connected {
  Connected() {
    signal(SIGPIPE, SIG_IGN);  // as every process of ours does
    const auto bound = bind_loopback(8);
    Listener listener(loop, bound.descriptor, [this](std::unique_ptr<TcpStream> stream) {
      accepted = std::move(stream);
      if (connected) loop.stop();
    });
    Connector connector(loop, {"127.0.0.1"}, bound.port, [this](Connector::Result result) {
      REQUIRE(result.has_value());
      connected = std::move(*result);
      if (accepted) loop.stop();
    });
    Guard guard(loop);
    loop.run();
    REQUIRE_FALSE(guard.overdue);
  }
  Loop loop;
  std::unique_ptr<ByteStream> accepted, connected;
};

TEST_CASE("bytes arrive in order, what the kernel does not take is kept and drained") {
  Connected pair;
  Hearing writer, reader;
  pair.accepted->set_reader(writer);
  pair.connected->set_reader(reader);
  const std::string megabytes(8 * 1024 * 1024, 'x');
  pair.accepted->write(megabytes);
  CHECK(pair.accepted->unsent() > 0);
  bool drained = false;
  writer.on_drained = [&] { drained = true; };
  reader.on_received = [&] {
    if (reader.heard.size() == megabytes.size()) pair.loop.stop();
  };
  Guard guard(pair.loop);
  pair.connected->start_reading();
  pair.loop.run();
  CHECK_FALSE(guard.overdue);
  CHECK(reader.heard == megabytes);
  CHECK(drained);
  CHECK(pair.accepted->unsent() == 0);
}

TEST_CASE("one side finishes, the other goes on") {
  Connected pair;
  Hearing one, other;
  pair.accepted->set_reader(one);
  pair.connected->set_reader(other);
  pair.accepted->write("last");
  pair.accepted->finish_writing();
  other.on_ended = [&] {
    pair.connected->write("answer");
    pair.connected->finish_writing();
  };
  one.on_ended = [&] { pair.loop.stop(); };
  Guard guard(pair.loop);
  pair.accepted->start_reading();
  pair.connected->start_reading();
  pair.loop.run();
  CHECK_FALSE(guard.overdue);
  CHECK(other.heard == "last");
  CHECK(one.heard == "answer");
}

TEST_CASE("the last words of a peer that resets are heard, though writing to it has failed before they are read") {
  Connected pair;
  Hearing one, other;
  pair.accepted->set_reader(one);
  pair.connected->set_reader(other);
  pair.connected->write("never read");
  pair.accepted->write("552 too big");
  pair.accepted.reset();  // with bytes unread: the kernel resets the connection
  uv_run(pair.loop.raw(), UV_RUN_NOWAIT);
  pair.connected->write("more");
  pair.connected->write("and more");
  other.on_ended = other.on_failed = [&] { pair.loop.stop(); };
  Guard guard(pair.loop);
  pair.connected->start_reading();
  pair.loop.run();
  CHECK_FALSE(guard.overdue);
  CHECK(other.heard == "552 too big");
  CHECK(pair.connected->unsent() == 0);
}

TEST_CASE("reads are limited where asked") {
  Connected pair;
  Hearing one, other;
  pair.accepted->set_reader(one);
  pair.connected->set_reader(other);
  pair.connected->limit_reads(100);
  std::size_t most = 0, before = 0;
  other.on_received = [&] {
    most = std::max(most, other.heard.size() - before);
    before = other.heard.size();
    if (before == 1000) pair.loop.stop();
  };
  Guard guard(pair.loop);
  pair.connected->start_reading();
  pair.accepted->write(std::string(1000, 'x'));
  pair.loop.run();
  CHECK_FALSE(guard.overdue);
  CHECK(most == 100);
}

TEST_CASE("a stream destroyed with bytes unsent leaks nothing") {
  Connected pair;
  Hearing one;
  pair.accepted->set_reader(one);
  pair.accepted->write(std::string(8 * 1024 * 1024, 'x'));
  CHECK(pair.accepted->unsent() > 0);
  pair.accepted.reset();  // ~Loop asserts that no handle is left
}

TEST_CASE("FAULTS 70: the next address is tried at once when one refuses") {
  Loop loop;
  const auto closed = bind_loopback(0);  // bound, not listening: refused
  const auto open = bind_loopback(8);
  ::close(closed.descriptor);
  Listener listener(loop, open.descriptor, [](std::unique_ptr<TcpStream>) {});
  std::optional<Connector::Result> result;
  // 127.0.0.2 has nobody on this port.
  Connector connector(loop, {"127.0.0.2", "127.0.0.1"}, open.port, [&](Connector::Result r) {
    result = std::move(r);
    loop.stop();
  });
  Guard guard(loop);
  loop.run();
  CHECK_FALSE(guard.overdue);
  REQUIRE(result.has_value());
  CHECK(result->has_value());
}

TEST_CASE("FAULTS 70: when every address refuses, each is named") {
  Loop loop;
  const auto closed = bind_loopback(0);
  std::optional<Connector::Result> result;
  Connector connector(loop, {"127.0.0.1", "::1", "not-an-address"}, closed.port, [&](Connector::Result r) {
    result = std::move(r);
    loop.stop();
  });
  Guard guard(loop);
  loop.run();
  ::close(closed.descriptor);
  CHECK_FALSE(guard.overdue);
  REQUIRE(result.has_value());
  REQUIRE_FALSE(result->has_value());
  CHECK(result->error().find("127.0.0.1: connection refused") != std::string::npos);
  CHECK(result->error().find("not-an-address: not an address") != std::string::npos);
}

TEST_CASE("giving up while connecting leaks nothing") {
  Loop loop;
  const auto open = bind_loopback(8);
  auto connector = std::make_unique<Connector>(loop, std::vector<std::string>{"127.0.0.1"}, open.port,
                                               [](Connector::Result) { FAIL("not after giving up"); });
  loop.later([&] { connector.reset(); });
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  connector.reset();
  ::close(open.descriptor);
}

struct TlsPair : Connected {
  TlsPair() {
    const testing::Authority authority;
    const auto path = (std::filesystem::temp_directory_path() / ("saslift-ca-" + std::to_string(getpid()))).string();
    std::ofstream(path) << authority.certificate_pem();
    trust = std::make_unique<UpstreamTlsContext>(path, "");
    std::filesystem::remove(path);
    identity =
        std::make_unique<ListenerTlsContext>(config::Secret(authority.issue({})), ListenerTlsRules{.alpn = "imap"});
    server = std::make_unique<TlsStream>(loop, std::move(accepted), identity->accept());
    client = std::make_unique<TlsStream>(loop, std::move(connected), trust->connect({"mail.test", 993}));
    server->set_reader(server_hears);
    client->set_reader(client_hears);
  }
  std::unique_ptr<UpstreamTlsContext> trust;
  std::unique_ptr<ListenerTlsContext> identity;
  Hearing server_hears, client_hears;
  std::unique_ptr<TlsStream> server, client;
};

TEST_CASE("TLS over TCP: handshake, megabytes both ways, close_notify") {
  TlsPair pair;
  const std::string down(3 * 1024 * 1024, 'd'), up(2 * 1024 * 1024, 'u');
  pair.server_hears.on_secured = [&] {
    pair.server->write(down);
    pair.server->finish_writing();
  };
  pair.client_hears.on_secured = [&] { pair.client->write(up); };
  pair.client_hears.on_ended = [&] { pair.client->finish_writing(); };
  pair.server_hears.on_ended = [&] { pair.loop.stop(); };
  Guard guard(pair.loop);
  pair.server->start_reading();
  pair.client->start_reading();
  pair.loop.run();
  CHECK_FALSE(guard.overdue);
  CHECK(pair.client_hears.heard == down);
  CHECK(pair.server_hears.heard == up);
  CHECK(pair.client_hears.ending == Ending::clean);
  CHECK(pair.client->half_close() == HalfClose::possible);
}

TEST_CASE("a peer that closes in the handshake is a handshake error") {
  TlsPair pair;
  pair.server.reset();
  pair.client_hears.on_failed = [&] { pair.loop.stop(); };
  Guard guard(pair.loop);
  pair.client->start_reading();
  pair.loop.run();
  CHECK_FALSE(guard.overdue);
  REQUIRE(pair.client_hears.error.has_value());
  CHECK(pair.client_hears.error->kind != StreamFailure::tls_certificate);
}

TEST_CASE("frames cross a socket pair whole; a malformed one closes it") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Loop loop;
  std::vector<std::string> frames;
  std::string closed;
  FramePipe sender(loop, ends[0], {[](std::string_view) {}, [](std::string_view) {}});
  FramePipe receiver(loop, ends[1],
                     {[&](std::string_view frame) {
                        frames.emplace_back(frame);
                        if (frames.size() == 200) sender.send(config::Secret("\xff\xff\xff\xff malformed"));
                      },
                      [&](std::string_view why) {
                        closed = why;
                        loop.stop();
                      }});
  for (int i = 0; i < 200; ++i) {
    sender.send(auth::encode(auth::ToWorker(
        auth::Denied{static_cast<auth::SessionId>(i), auth::LoginFailure::timeout, std::string(5000, 's')})));
  }
  Guard guard(loop);
  loop.run();
  CHECK_FALSE(guard.overdue);
  REQUIRE(frames.size() == 200);
  const auto last = auth::decode_to_worker(frames.back());
  REQUIRE(last.has_value());
  CHECK(std::get<auth::Denied>(*last).session == 199);
  CHECK_FALSE(closed.empty());
}

}  // namespace
}  // namespace saslift::proxy::net
