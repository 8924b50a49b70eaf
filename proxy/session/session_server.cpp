// The session's server side: from the keeper's yes to the provider's.
#include <utility>

#include "config/secret.h"
#include "proxy/session/milliseconds.h"
#include "proxy/session/session.h"

namespace saslift::proxy {

void Session::connect(auth::Granted granted) {
  auto& waiting = std::get<AwaitingAnswer>(state_);
  const auto addresses = granted.addresses;
  const auto port = granted.port;
  enter(Connecting{std::move(waiting.door), std::move(granted), nullptr, around_.clock.now()});
  std::get<Connecting>(state_).dialing =
      around_.dialer.dial(addresses, port, [this](Dialer::Result result) { connected(std::move(result)); });
}

void Session::connected(Dialer::Result result) {
  auto* connecting = std::get_if<Connecting>(&state_);
  if (connecting == nullptr) return;
  if (!result) {
    return login_died(auth::LoginFailure::server_unreachable, connecting->granted.host + ": " + result.error());
  }
  auto& granted = connecting->granted;
  auto dialogue = listener_.row.make_server_side(ServerLogin{
      .mailbox = granted.mailbox,
      .access_token = std::move(granted.access_token),
      .mechanism = granted.mechanism,
      .tls = granted.tls,
      .ehlo_word = listener_.client_side.hostname,
      .host = granted.host,
      .port = granted.port,
  });
  enter(LoggingIn{
      std::move(connecting->door), std::move(granted), std::move(*result), std::move(dialogue), {}, connecting->since});
  auto& logging_in = std::get<LoggingIn>(state_);
  if (logging_in.granted.tls == config::UpstreamTls::implicit) return start_server_tls();
  logging_in.stream->set_reader(server_ears_);
  logging_in.stream->limit_reads(most_unread);
  logging_in.stream->start_reading();
}

void Session::start_server_tls() {
  auto& logging_in = std::get<LoggingIn>(state_);
  logging_in.stream = around_.tls.to_provider(std::move(logging_in.stream), logging_in.granted);
  logging_in.handshake_ends_at = around_.clock.now() + handshake_limit;
  set_alarm();
  logging_in.stream->set_reader(server_ears_);
  logging_in.stream->limit_reads(most_unread);
  logging_in.stream->start_reading();
}

void Session::server_secured() {
  auto* logging_in = std::get_if<LoggingIn>(&state_);
  if (logging_in == nullptr) return;
  logging_in->handshake_ends_at.reset();
  times_.connect += milliseconds_between(logging_in->since, around_.clock.now());
  logging_in->since = around_.clock.now();
  set_alarm();
  if (logging_in->granted.tls == config::UpstreamTls::starttls) perform(logging_in->dialogue->tls_started());
}

void Session::server_received(std::span<char> bytes) {
  if (auto* closing = std::get_if<Closing>(&state_)) {
    closing->discarded += bytes.size();
    if (closing->discarded > most_discarded) closing->streams.server->stop_reading();
    return;
  }
  auto* logging_in = std::get_if<LoggingIn>(&state_);
  if (logging_in == nullptr) return;
  perform(logging_in->dialogue->receive({bytes.data(), bytes.size()}));
}

void Session::server_ended() {
  if (std::holds_alternative<Closing>(state_)) return check_closing();
  auto* logging_in = std::get_if<LoggingIn>(&state_);
  if (logging_in != nullptr) perform(logging_in->dialogue->ended());
}

void Session::server_failed(const net::StreamError& error) {
  if (auto* closing = std::get_if<Closing>(&state_)) {
    around_.clock.later([dead = std::shared_ptr<net::ByteStream>(std::move(closing->streams.server))] {});
    return check_closing();
  }
  if (std::holds_alternative<LoggingIn>(state_)) login_died(auth::LoginFailure::server_unreachable, error.detail);
}

void Session::perform(ServerActions actions) {
  for (auto& action : actions) {
    auto* logging_in = std::get_if<LoggingIn>(&state_);
    if (logging_in == nullptr) return;
    if (auto* send = std::get_if<Send>(&action)) {
      logging_in->stream->write(send->bytes);
      if (send->holds == Holds::secret) config::wipe(send->bytes);
    } else if (std::holds_alternative<StartTls>(action)) {
      start_server_tls();
    } else if (std::holds_alternative<LoggedIn>(action)) {
      return logged_in();
    } else if (const auto* refusal = std::get_if<LoginRefused>(&action)) {
      return server_refused(*refusal);
    }
  }
}

void Session::logged_in() {
  auto& done = std::get<LoggingIn>(state_);
  const auto now = around_.clock.now();
  times_.login += milliseconds_between(done.since, now);
  around_.keeper.send(auth::LoginSucceeded{facts_.id, done.granted.token_id, times_});
  for (auto& action : done.door.dialogue->login_accepted()) {
    if (const auto* send = std::get_if<Send>(&action)) done.door.stream->write(send->bytes);
  }
  const bool client_owes_lf = done.door.dialogue->lf_may_follow();
  const auto client_unread = done.door.dialogue->take_unread();
  const auto server_unread = done.dialogue->take_unread();
  enter(Relaying{std::make_unique<Relay>(
      around_.clock, Relay::Streams{std::move(done.door.stream), std::move(done.stream)},
      Relay::Events{.over = [this](std::string_view why) { relay_over(why); },
                    .silence_shortened = [this] { set_alarm(); },
                    .server_said =
                        [this](std::string words) {
                          around_.keeper.send(auth::ServerSaid{facts_.id, listener_.protocol, std::move(words)});
                        }},
      Relay::Extras{
          .watch = listener_.row.watch,
          .stage = listener_.row.make_stage != nullptr ? listener_.row.make_stage(done.granted) : nullptr,
      })});
  std::get<Relaying>(state_).relay->start({.client_unread = client_unread.reveal(),
                                           .server_unread = server_unread,
                                           .client_has_ended = client_has_ended_,
                                           .client_owes_lf = client_owes_lf});
}

void Session::server_refused(const LoginRefused& refusal) {
  auto& refused = std::get<LoggingIn>(state_);
  if (refusal.kind != RefusalKind::token) {
    const bool passes = refusal.kind == RefusalKind::temporary;
    return login_died(passes ? auth::LoginFailure::server_unreachable : auth::LoginFailure::server_protocol_error,
                      refused.granted.host + ": " + std::string(name_of(refusal.kind)) + ": " + refusal.words);
  }
  const auto now = around_.clock.now();
  if (around_.keeper.line() != Keeper::Line::open) {
    const bool away = around_.keeper.line() == Keeper::Line::away;
    return login_died(away ? auth::LoginFailure::keeper_away : auth::LoginFailure::overloaded, refusal.words);
  }
  times_.login += milliseconds_between(refused.since, now);
  const auto token_id = refused.granted.token_id;
  enter(AwaitingAnswer{std::move(refused.door), now});
  around_.keeper.send(auth::TokenRefused{facts_.id, token_id, refusal.words, refusal.json_status});
}

void Session::login_died(auth::LoginFailure failure, std::string detail) {
  around_.keeper.send(auth::LoginDied{facts_.id, failure, std::move(detail), times_});
  refuse_login(failure, {});
}

}  // namespace saslift::proxy
