#include "proxy/session/relay.h"

#include <algorithm>
#include <utility>

namespace saslift::proxy {
namespace {

// Enough to tell a reply line's beginning from its end, and for the words with which a server takes leave.
constexpr std::size_t tail_kept = 256;

}  // namespace

Relay::Relay(Clock& clock, Streams streams, Events events, Watch watch)
    : clock_(clock),
      streams_(std::move(streams)),
      events_(std::move(events)),
      up_(*this, {.from = *streams_.client, .to = *streams_.server}),
      down_(*this, {.from = *streams_.server, .to = *streams_.client}),
      last_byte_(clock.now()),
      observer_(watch) {}

Relay::~Relay() = default;

void Relay::start(std::string_view client_unread, std::string_view server_unread, bool client_has_ended) {
  for (auto* stream : {streams_.client.get(), streams_.server.get()}) stream->limit_reads(0);
  up_.from.set_reader(up_);
  down_.from.set_reader(down_);
  up_.from.start_reading();
  down_.from.start_reading();
  if (!server_unread.empty()) pass(down_, server_unread);
  if (!client_unread.empty()) pass(up_, client_unread);
  if (client_has_ended) end(up_, net::Ending::clean);
}

void Relay::pass(Direction& direction, std::string_view bytes) {
  if (is_over_) return;
  direction.bytes += bytes.size();
  last_byte_ = clock_.now();
  server_owes_answer_ = &direction == &up_;
  if (&direction == &down_) {
    last_from_server_.assign(bytes.substr(bytes.size() - std::min(bytes.size(), tail_kept)));
    if (observer_.is_watching()) tell(observer_.observe(bytes));
  }
  direction.to.write(bytes);
  if (direction.to.unsent() > 0) direction.from.stop_reading();
}

void Relay::resume_other(Direction& direction) {
  if (is_over_) return;
  last_byte_ = clock_.now();
  Direction& writer = other(direction);
  if (!writer.has_ended) {
    writer.from.start_reading();
  } else {
    finish_if_done();
    // With nothing left to flush TLS 1.2's shorter limit holds.
    if (!is_over_) events_.silence_shortened();
  }
}

void Relay::end(Direction& direction, net::Ending ending) {
  if (is_over_ || direction.has_ended) return;
  direction.has_ended = true;
  last_byte_ = clock_.now();
  if (why_.empty()) {
    why_ = &direction == &up_ ? "client_closed" : "server_closed";
    if (ending == net::Ending::truncated) why_ += "_without_close_notify";
  }
  if (direction.to.half_close() == net::HalfClose::possible) direction.to.finish_writing();
  finish_if_done();
  if (!is_over_) events_.silence_shortened();
}

void Relay::finish_if_done() {
  if (up_.has_ended && down_.has_ended && is_flushed()) finish(why_);
}

void Relay::fail(Direction& direction, const net::StreamError& error) {
  if (is_over_) return;
  why_ = &direction == &up_ ? "client_failed: " : "server_failed: ";
  why_ += error.detail;
  // What was received from the failed side is flushed by whoever takes the streams over.
  finish(why_);
}

auth::Duration Relay::silence_limit() const {
  for (const auto* direction : {&up_, &down_}) {
    if (!direction->has_ended) continue;
    return direction->to.half_close() == net::HalfClose::possible || direction->to.unsent() > 0
               ? half_closed_silence_limit
               : no_half_close_silence_limit;
  }
  return relay_idle_limit;
}

auth::Instant Relay::silence_ends_at() const { return last_byte_ + silence_limit(); }

auth::Duration Relay::silent_for() const { return clock_.now() - last_byte_; }

void Relay::check_silence() {
  if (is_over_ || clock_.now() < silence_ends_at()) return;
  finish(why_.empty() ? "idle" : std::string_view(why_));
}

Relay::Streams Relay::release() { return std::move(streams_); }

void Relay::finish(std::string_view why) {
  if (std::exchange(is_over_, true)) return;
  tell(observer_.ended(last_from_server_));
  events_.over(observer_.token_has_expired() ? "token_expired" : why);
}

void Relay::tell(const std::vector<std::string>& recognised) {
  for (const auto& words : recognised) {
    if (events_.server_said) events_.server_said(words);
  }
}

}  // namespace saslift::proxy
