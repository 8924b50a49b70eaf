#include "proxy/session/relay.h"

#include <algorithm>
#include <utility>

namespace saslift::proxy {
namespace {

// Enough to tell a reply line's beginning from its end, and for the words with which a server takes leave.
constexpr std::size_t tail_kept = 256;

}  // namespace

Relay::Relay(Clock& clock, Streams streams, Events events, Extras extras)
    : clock_(clock),
      streams_(std::move(streams)),
      events_(std::move(events)),
      up_(*this, {.from = *streams_.client, .to = *streams_.server}),
      down_(*this, {.from = *streams_.server, .to = *streams_.client}),
      last_byte_(clock.now()),
      observer_(extras.watch),
      stage_(std::move(extras.stage)) {}

Relay::~Relay() = default;

void Relay::start(Beginning from) {
  for (auto* stream : {streams_.client.get(), streams_.server.get()}) stream->limit_reads(0);
  up_.from.set_reader(up_);
  down_.from.set_reader(down_);
  up_.from.start_reading();
  down_.from.start_reading();
  if (!from.server_unread.empty()) pass(down_, from.server_unread);
  if (!from.client_unread.empty()) pass(up_, from.client_unread);
  client_owes_lf_ = from.client_owes_lf;
  if (from.client_has_ended) end(up_, net::Ending::clean);
}

void Relay::pass(Direction& direction, std::string_view bytes) {
  if (is_over_) return;
  if (&direction == &up_ && std::exchange(client_owes_lf_, false) && bytes.starts_with('\n')) bytes.remove_prefix(1);
  if (bytes.empty()) return;
  direction.bytes += bytes.size();
  last_byte_ = clock_.now();
  // A stage may keep what the client sends, or answer it itself.
  const bool goes_up = &direction == &up_ && stage_ == nullptr;
  server_owes_answer_ = goes_up || (server_owes_answer_ && &direction == &up_);
  if (&direction == &down_) {
    last_from_server_.append(bytes.substr(bytes.size() - std::min(bytes.size(), tail_kept)));
    if (last_from_server_.size() > tail_kept) last_from_server_.erase(0, last_from_server_.size() - tail_kept);
    if (observer_.is_watching()) tell(observer_.observe(bytes));
  }
  if (stage_ != nullptr) return pass_through_stage(direction, bytes);
  direction.to.write(bytes);
  if (direction.to.unsent() > 0) direction.from.stop_reading();
}

void Relay::pass_through_stage(Direction& direction, std::string_view bytes) {
  const bool from_client = &direction == &up_;
  const Stage::Output output = from_client ? stage_->from_client(bytes) : stage_->from_server(bytes);
  if (!output.to_server.empty()) {
    up_.to.write(output.to_server);
    server_owes_answer_ = true;
  }
  if (!output.to_client.empty()) down_.to.write(output.to_client);
  if (!stage_->why_over().empty()) return finish(stage_->why_over());
  if (up_.has_ended) end_writing_to(up_);
  set_pace_of_stage();
}

// A stage may answer the client itself: one that does not read the answers is not read either.
void Relay::set_pace_of_stage() {
  const bool client_takes = down_.to.unsent() == 0;
  const auto read = [](Direction& direction, bool goes_on) {
    if (direction.has_ended) return;
    goes_on ? direction.from.start_reading() : direction.from.stop_reading();
  };
  read(up_, client_takes && up_.to.unsent() == 0 && !stage_->keeps_client_waiting());
  read(down_, client_takes);
}

void Relay::resume_other(Direction& direction) {
  if (is_over_) return;
  last_byte_ = clock_.now();
  if (stage_ != nullptr) set_pace_of_stage();
  Direction& writer = other(direction);
  if (!writer.has_ended) {
    if (stage_ == nullptr) writer.from.start_reading();
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
  end_writing_to(direction);
  finish_if_done();
  if (!is_over_) events_.silence_shortened();
}

void Relay::end_writing_to(Direction& direction) {
  // What the stage keeps for the server's answer goes out before the end.
  if (stage_ != nullptr && &direction == &up_ && stage_->keeps_client_waiting()) return;
  if (std::exchange(direction.end_is_passed_on, true)) return;
  if (direction.to.half_close() == net::HalfClose::possible) direction.to.finish_writing();
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
  if (up_.has_ended && !up_.end_is_passed_on) return half_closed_silence_limit;
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
