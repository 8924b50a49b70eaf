// A connection from a listed load balancer, until it has said who its client is. Reads the PROXY header and not
// a byte more, so that TLS or the first command are where a session looks for them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "auth/clock.h"
#include "proxy/dialogue/proxy_header.h"
#include "proxy/net/byte_stream.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"

namespace saslift::proxy {

inline constexpr auth::Duration proxy_header_limit{10'000};

class Preamble final : private net::ByteStream::Reader {
 public:
  struct Told {
    std::unique_ptr<net::ByteStream> stream;  // not read any more
    ProxyHeader header;
    auth::Duration took{0};
  };
  // Called once, from within the stream's callback or the timer's: the owner destroys this on a later turn.
  struct Events {
    std::function<void(Told)> told;
    std::function<void(std::string_view why)> failed;
  };

  Preamble(net::Loop& loop, std::unique_ptr<net::ByteStream> stream, Events events);
  Preamble(const Preamble&) = delete;
  Preamble& operator=(const Preamble&) = delete;
  ~Preamble();

 private:
  void received(std::span<char> bytes) override;
  void ended(net::Ending ending) override;
  void drained() override {}
  void failed(const net::StreamError& error) override;
  void give_up(std::string_view why);

  net::Loop& loop_;
  std::unique_ptr<net::ByteStream> stream_;
  Events events_;
  ProxyHeaderReader header_;
  auth::Instant since_;
  net::Timer deadline_;
  bool over_ = false;
};

}  // namespace saslift::proxy
