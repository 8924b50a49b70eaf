#include "proxy/session/session.h"

#include <algorithm>
#include <utility>

#include "config/network.h"
#include "proxy/session/milliseconds.h"

namespace saslift::proxy {
namespace {

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

}  // namespace

ClientSideSettings client_side_for(const ListenerFacts& listener, const SessionFacts& client) {
  ClientSideSettings settings = listener.client_side;
  const auto address = config::IpAddress::parse(client.client_address);
  const bool on_this_machine = address && address->is_loopback();
  const bool accepted = listener.plaintext_login == config::PlaintextLogin::allowed ||
                        (listener.plaintext_login == config::PlaintextLogin::loopback && on_this_machine);
  settings.plaintext_logins = accepted ? PlaintextLogins::accepted : PlaintextLogins::refused;
  settings.trust = client.trust;
  return settings;
}

Session::Session(const ListenerFacts& listener, SessionFacts facts, std::unique_ptr<net::ByteStream> client,
                 Surroundings around, std::function<void()> ended)
    : listener_(listener),
      facts_(std::move(facts)),
      around_(around),
      ended_(std::move(ended)),
      alarm_(around.clock.make_alarm([this] { alarm_rang(); })),
      accepted_at_(around.clock.now()),
      patience_left_(std::max(pre_login_patience - facts_.already_waited, auth::Duration{0})),
      state_(AwaitingLogin{{std::move(client), listener.row.make_client_side(client_side_for(listener, facts_))},
                           accepted_at_,
                           {},
                           {}}) {
  auto& stream = *door()->stream;
  stream.set_reader(client_ears_);
  stream.limit_reads(most_unread);
}

Session::~Session() = default;

void Session::start() {
  if (listener_.tls == config::ListenerTls::implicit) return start_client_tls({});
  if (listener_.tls == config::ListenerTls::automatic) {
    std::get<AwaitingLogin>(state_).detection_ends_at = accepted_at_ + listener_.tls_detect;
  }
  set_alarm();
  door()->stream->start_reading();
  if (listener_.tls != config::ListenerTls::automatic) greet();
}

void Session::greet() {
  auto& waiting = std::get<AwaitingLogin>(state_);
  waiting.detection_ends_at.reset();
  greeted_ = true;
  set_alarm();
  perform(waiting.door.dialogue->greet());
}

void Session::enter(State next) {
  // What is left may be on the call stack: a stream in its own callback, a dialogue in its own receive().
  auto left = std::make_shared<State>(std::exchange(state_, std::move(next)));
  around_.clock.later([left] {});
  set_alarm();
}

Session::Door* Session::door() {
  return std::visit(
      [](auto& state) -> Door* {
        if constexpr (requires { state.door; }) return &state.door;
        return nullptr;
      },
      state_);
}

void Session::set_alarm() {
  const auto earlier = [](auth::Instant a, std::optional<auth::Instant> b) { return b ? std::min(a, *b) : a; };
  std::visit(Match{
                 [&](const AwaitingLogin& s) {
                   alarm_->set(earlier(earlier(s.since + patience_left_, s.handshake_ends_at), s.detection_ends_at));
                 },
                 [&](const AwaitingAnswer&) { alarm_->set(login_ends_at_); },
                 [&](const HoldingReply& s) { alarm_->set(s.until); },
                 [&](const Connecting&) { alarm_->set(login_ends_at_); },
                 [&](const LoggingIn& s) { alarm_->set(earlier(login_ends_at_, s.handshake_ends_at)); },
                 [&](const Relaying& s) { alarm_->set(s.relay->silence_ends_at()); },
                 [&](const Closing& s) { alarm_->set(s.give_up_at); },
                 [](const Ended&) {},
             },
             state_);
}

void Session::alarm_rang() {
  const auto now = around_.clock.now();
  const auto passed = [now](std::optional<auth::Instant> when) { return when && *when <= now; };
  if (auto* waiting = std::get_if<AwaitingLogin>(&state_)) {
    if (passed(waiting->detection_ends_at)) return greet();
    if (passed(waiting->handshake_ends_at)) return end("client_handshake_timeout");
    if (passed(waiting->since + patience_left_)) {
      if (waiting->handshake_ends_at) return end("idle_before_login");  // nothing can be said within a handshake
      return perform(waiting->door.dialogue->dismiss(Dismissal::idle_before_login));
    }
  } else if (auto* logging_in = std::get_if<LoggingIn>(&state_)) {
    if (passed(logging_in->handshake_ends_at)) {
      return login_died(auth::LoginFailure::server_unreachable, "no TLS handshake within 10 s");
    }
    if (passed(login_ends_at_)) return login_died(auth::LoginFailure::timeout, "the server did not finish the login");
  } else if (std::holds_alternative<Connecting>(state_)) {
    if (passed(login_ends_at_)) return login_died(auth::LoginFailure::timeout, "no connection to the server");
  } else if (auto* holding = std::get_if<HoldingReply>(&state_)) {
    if (passed(holding->until)) {
      const auth::Denied denied = std::move(holding->denied);
      return refuse_login(denied.failure, denied.sentence);
    }
  } else if (std::holds_alternative<AwaitingAnswer>(state_)) {
    if (passed(login_ends_at_)) return keeper_timed_out();
  } else if (auto* relaying = std::get_if<Relaying>(&state_)) {
    relaying->relay->check_silence();
    if (!std::holds_alternative<Relaying>(state_)) return;
  } else if (auto* closing = std::get_if<Closing>(&state_)) {
    if (passed(closing->give_up_at)) return end(reason_);
  }
  set_alarm();
}

void Session::relay_over(std::string_view why) {
  auto* relaying = std::get_if<Relaying>(&state_);
  if (relaying == nullptr) return;
  auto& relay = *relaying->relay;
  relayed_ = relayed();
  client_has_ended_ = relay.client_has_ended();
  close(why, relay.release());
}

void Session::close(std::string_view reason, Relay::Streams streams) {
  reason_ = reason;
  for (auto* stream : {streams.client.get(), streams.server.get()}) {
    if (stream != nullptr) stream->finish_writing();
  }
  if (streams.client != nullptr) streams.client->set_reader(client_ears_);
  if (streams.server != nullptr) streams.server->set_reader(server_ears_);
  for (auto* stream : {streams.client.get(), streams.server.get()}) {
    if (stream != nullptr) stream->start_reading();
  }
  enter(Closing{std::move(streams), around_.clock.now() + flush_limit});
  check_closing();
}

void Session::check_closing() {
  auto* closing = std::get_if<Closing>(&state_);
  if (closing == nullptr) return;
  const bool flushed = [&] {
    const auto& [client, server] = closing->streams;
    return (client == nullptr || client->unsent() == 0) && (server == nullptr || server->unsent() == 0);
  }();
  if (!flushed) return;
  if (client_has_ended_ || closing->streams.client == nullptr) return end(reason_);
  closing->give_up_at = std::min(closing->give_up_at, around_.clock.now() + linger_limit);
  set_alarm();
}

void Session::end(std::string_view reason) {
  if (std::holds_alternative<Ended>(state_)) return;
  const bool was_asking = std::holds_alternative<AwaitingAnswer>(state_);
  if (auto* relaying = std::get_if<Relaying>(&state_)) {
    relayed_ = relayed();
    relaying->relay->stop();  // its streams live to the end of this turn
  }
  if (was_asking) around_.keeper.send(auth::Withdrawn{facts_.id});
  if (auto traffic = newly_relayed()) around_.keeper.send(*traffic);
  around_.keeper.send(auth::SessionEnded{
      .session = facts_.id,
      .protocol = listener_.protocol,
      .client_address = facts_.client_address,
      .reason = std::string(reason),
      .bytes_up = relayed_.up,
      .bytes_down = relayed_.down,
      .milliseconds = milliseconds_between(accepted_at_, around_.clock.now()),
  });
  enter(Ended{});
  ended_();
}

bool Session::end_if_idle() {
  if (auto* waiting = std::get_if<AwaitingLogin>(&state_)) {
    if (waiting->handshake_ends_at) {
      end("shutting_down");
    } else {
      perform(waiting->door.dialogue->dismiss(Dismissal::shutting_down));
    }
    return false;
  }
  if (auto* relaying = std::get_if<Relaying>(&state_)) {
    constexpr auth::Duration idle_after{1000};
    if (relaying->relay->silent_for() < idle_after) return true;
    return !take_leave(*relaying->relay, {Parting::shutting_down, "shutting_down"});
  }
  return !std::holds_alternative<Ended>(state_);
}

bool Session::take_leave(Relay& relay, Leave leave) {
  if (relay.server_owes_answer() || !relay.is_flushed()) return false;
  const auto words = listener_.row.farewell(relay.last_from_server(), leave.why);
  if (!words) return false;
  relayed_ = relayed();
  auto streams = relay.release();
  streams.client->write(*words);
  close(leave.reason, std::move(streams));
  return true;
}

void Session::end_by_operator(std::string_view reason) {
  auto* relaying = std::get_if<Relaying>(&state_);
  if (relaying != nullptr && take_leave(*relaying->relay, {Parting::ended_by_operator, reason})) return;
  end(reason);
}

void Session::end_now(std::string_view reason) { end(reason); }

Session::Traffic Session::relayed() const {
  const auto* relaying = std::get_if<Relaying>(&state_);
  return relaying != nullptr ? Traffic{relaying->relay->bytes_up(), relaying->relay->bytes_down()} : relayed_;
}

std::optional<auth::Relayed> Session::newly_relayed() {
  const Traffic now = relayed();
  const Traffic before = std::exchange(told_, now);
  if (now.up == before.up && now.down == before.down) return std::nullopt;
  return auth::Relayed{
      .protocol = listener_.protocol, .bytes_up = now.up - before.up, .bytes_down = now.down - before.down};
}

}  // namespace saslift::proxy
