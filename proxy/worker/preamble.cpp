#include "proxy/worker/preamble.h"

#include <utility>

namespace saslift::proxy {

Preamble::Preamble(net::Loop& loop, std::unique_ptr<net::ByteStream> stream, Events events)
    : loop_(loop), stream_(std::move(stream)), events_(std::move(events)), since_(loop.now()), deadline_(loop, [this] {
        give_up("no PROXY header within 10 s");
      }) {
  stream_->set_reader(*this);
  stream_->limit_reads(header_.wanted());
  stream_->start_reading();
  deadline_.set(proxy_header_limit);
}

Preamble::~Preamble() = default;

void Preamble::received(std::span<char> bytes) {
  if (over_) return;
  const auto outcome = header_.receive({bytes.data(), bytes.size()});
  if (!outcome) return give_up(outcome.error().what);
  if (!*outcome) return stream_->limit_reads(header_.wanted());
  over_ = true;
  deadline_.cancel();
  stream_->stop_reading();
  events_.told({std::move(stream_), **outcome, loop_.now() - since_});
}

void Preamble::ended(net::Ending) { give_up("closed before its PROXY header"); }

void Preamble::failed(const net::StreamError&) { give_up("failed before its PROXY header"); }

void Preamble::give_up(std::string_view why) {
  if (std::exchange(over_, true)) return;
  deadline_.cancel();
  stream_->stop_reading();
  events_.failed(why);
}

}  // namespace saslift::proxy
