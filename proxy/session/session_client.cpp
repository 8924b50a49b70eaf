// The session's client side: from accept to the login's answer.
#include <utility>

#include "config/secret.h"
#include "proxy/dialogue/proxy_header.h"
#include "proxy/session/milliseconds.h"
#include "proxy/session/session.h"

namespace saslift::proxy {

void Session::Ears::received(std::span<char> bytes) {
  side_ == Side::client ? session_.client_received(bytes) : session_.server_received(bytes);
}

void Session::Ears::ended(net::Ending) { side_ == Side::client ? session_.client_ended() : session_.server_ended(); }

void Session::Ears::failed(const net::StreamError& error) {
  side_ == Side::client ? session_.client_failed(error) : session_.server_failed(error);
}

void Session::Ears::drained() { side_ == Side::client ? session_.client_drained() : session_.check_closing(); }

void Session::Ears::secured() { side_ == Side::client ? session_.client_secured() : session_.server_secured(); }

void Session::client_received(std::span<char> bytes) {
  if (auto* closing = std::get_if<Closing>(&state_)) {
    closing->discarded += bytes.size();
    if (closing->discarded > most_discarded) end(reason_);
    return;
  }
  Door* at = door();
  if (at == nullptr) return;
  if (!std::exchange(client_was_heard_, true)) {
    if (is_proxy_header({bytes.data(), bytes.size()})) return stray_preamble();
    if (is_tls_at_once(bytes)) return;
  }
  auto actions = at->dialogue->receive({bytes.data(), bytes.size()});
  config::wipe(bytes.data(), bytes.size());
  if (!std::holds_alternative<AwaitingLogin>(state_) && at->dialogue->unread_size() >= most_unread) {
    at->stream->stop_reading();
  }
  perform(std::move(actions));
  // A client that sends commands and reads no replies is not read either.
  if (Door* still = door(); still != nullptr && still->stream->unsent() > 0) still->stream->stop_reading();
}

// FAULTS 56: whoever may say this chooses his address, so only a listed load balancer may.
void Session::stray_preamble() {
  around_.keeper.send(auth::WorkerEvent{
      .level = config::LogLevel::warning,
      .event = "stray_proxy_header",
      .session = facts_.id,
      .fields = {{"protocol", std::string(name_of(listener_.protocol))},
                 {"client", facts_.client_address},
                 {"remedy", "if this is a load balancer, add its address to 'proxy_from' of this listener"}}});
  end("stray_proxy_header");
}

// The first byte tells: RFC 8446 5.1, a handshake record. What is one is dealt with here; anything else is a client
// that speaks first, and is greeted now.
bool Session::is_tls_at_once(std::span<char> first_bytes) {
  constexpr char handshake_record = 0x16;
  auto* waiting = std::get_if<AwaitingLogin>(&state_);
  if (waiting == nullptr || client_tls_ == auth::ClientTls::active || waiting->handshake_ends_at) return false;
  const bool is_handshake = first_bytes.front() == handshake_record;
  if (!waiting->detection_ends_at) {
    if (is_handshake) refuse_tls_at_once();
    return is_handshake;
  }
  if (!is_handshake) {
    greet();
    return false;
  }
  start_client_tls({first_bytes.data(), first_bytes.size()});
  return true;
}

void Session::refuse_tls_at_once() {
  const bool is_late = listener_.tls == config::ListenerTls::automatic;
  around_.keeper.send(auth::WorkerEvent{
      .level = config::LogLevel::warning,
      .event = "tls_not_expected",
      .session = facts_.id,
      .fields = {{"listener", listener_.name},
                 {"client", facts_.client_address},
                 {"detail", is_late ? "the client started TLS after it was greeted; a longer tls_detect waits for it"
                                    : "the client starts TLS at once; set tls = \"auto\" or \"implicit\" here"}}});
  close("tls_not_expected", {std::move(std::get<AwaitingLogin>(state_).door.stream), nullptr});
}

void Session::client_drained() {
  if (auto* waiting = std::get_if<AwaitingLogin>(&state_)) waiting->door.stream->start_reading();
  check_closing();
}

void Session::client_ended() {
  client_has_ended_ = true;
  if (auto* closing = std::get_if<Closing>(&state_)) {
    closing->give_up_at = std::min(closing->give_up_at, around_.clock.now() + linger_limit);
    return check_closing();
  }
  Door* at = door();
  if (at == nullptr) return;
  // One that has pipelined its commands and closed its half still wants the answers; any other has left.
  const bool wants_answers = !std::holds_alternative<AwaitingLogin>(state_) && at->dialogue->unread_size() > 0;
  if (!wants_answers) end("client_left");
}

void Session::client_failed(const net::StreamError& error) {
  if (std::holds_alternative<Closing>(state_)) return end(reason_);
  if (error.kind == net::StreamFailure::tls_too_old) {
    around_.keeper.send(auth::OldTlsClient{facts_.id, listener_.name, facts_.client_address, error.detail});
    return end("client_tls_too_old");
  }
  end("client_failed: " + error.detail);
}

void Session::client_secured() {
  auto* waiting = std::get_if<AwaitingLogin>(&state_);
  if (waiting == nullptr) return;
  waiting->handshake_ends_at.reset();
  client_tls_ = auth::ClientTls::active;
  set_alarm();
  auto actions = waiting->door.dialogue->tls_started();
  if (!greeted_) return greet();  // what it offers now is what TLS allows
  perform(std::move(actions));
}

void Session::start_client_tls(std::string early) {
  auto& waiting = std::get<AwaitingLogin>(state_);
  waiting.door.stream = around_.tls.to_client(std::move(waiting.door.stream), listener_.index, std::move(early));
  waiting.detection_ends_at.reset();
  waiting.handshake_ends_at = around_.clock.now() + handshake_limit;
  set_alarm();
  waiting.door.stream->set_reader(client_ears_);
  waiting.door.stream->start_reading();
}

void Session::perform(ClientActions actions) {
  std::string words;  // of several replies, in one segment
  const auto say = [&] {
    if (Door* at = door(); at != nullptr && !words.empty()) at->stream->write(words);
    words.clear();
  };
  for (auto& action : actions) {
    if (const auto* send = std::get_if<Send>(&action)) {
      words += send->bytes;
      continue;
    }
    say();
    Door* at = door();
    if (at == nullptr) return;
    if (std::holds_alternative<StartTls>(action)) {
      start_client_tls({});
    } else if (auto* login = std::get_if<AttemptLogin>(&action)) {
      attempt(std::move(*login));
    } else if (auto* in_clear = std::get_if<LoginInClear>(&action)) {
      refuse_in_clear(std::move(*in_clear));
    } else if (const auto* closing = std::get_if<Close>(&action)) {
      close(name_of(closing->reason), {std::move(at->stream), nullptr});
      return;
    }
  }
  say();
}

void Session::attempt(AttemptLogin login) {
  auto& waiting = std::get<AwaitingLogin>(state_);
  const auto now = around_.clock.now();
  spend_patience(waiting);
  login_ends_at_ = now + listener_.login_timeout;
  times_ = {};
  enter(AwaitingAnswer{std::move(waiting.door), now});
  if (login.login.size() + login.authzid.size() + login.password.size() > longest_credentials) {
    return refuse_unasked(auth::LoginFailure::bad_credentials, {}, "login and password are longer than any of ours");
  }
  switch (around_.keeper.line()) {
    case Keeper::Line::overloaded:
      return refuse_unasked(auth::LoginFailure::overloaded, login.login, "too many open questions to the keeper");
    case Keeper::Line::away:
      return refuse_login(auth::LoginFailure::keeper_away, {});
    case Keeper::Line::open:
      break;
  }
  around_.keeper.send(auth::LoginQuestion{
      .session = facts_.id,
      .listener = listener_.index,
      .protocol = listener_.protocol,
      .mechanism = login.mechanism,
      .client_address = facts_.client_address,
      .tls = client_tls_,
      .login = std::move(login.login),
      .authzid = std::move(login.authzid),
      .password = std::move(login.password),
  });
}

void Session::spend_patience(const AwaitingLogin& waiting) {
  patience_left_ -= std::min(patience_left_, around_.clock.now() - waiting.since);
}

void Session::refuse_in_clear(LoginInClear login) {
  constexpr std::size_t longest_logged = 256;
  if (login.login.size() > longest_logged) login.login.resize(longest_logged);
  spend_patience(std::get<AwaitingLogin>(state_));
  refuse_unasked(
      auth::LoginFailure::needs_tls, login.login,
      "no password is taken here without TLS; switch on STARTTLS or TLS in the device, or see plaintext_login");
}

// The keeper has not heard of this login; the log still does.
void Session::refuse_unasked(auth::LoginFailure failure, std::string_view login, std::string_view detail) {
  around_.keeper.send(auth::WorkerEvent{.level = config::LogLevel::warning,
                                        .event = "login_refused",
                                        .session = facts_.id,
                                        .fields = {{"protocol", std::string(name_of(listener_.protocol))},
                                                   {"client", facts_.client_address},
                                                   {"login", auth::loggable(login)},
                                                   {"reason", std::string(name_of(failure))},
                                                   {"detail", std::string(detail)}}});
  refuse_login(failure, {});
}

void Session::refuse_login(auth::LoginFailure failure, std::string_view sentence) {
  Door* at = door();
  if (at == nullptr) return;
  const auto now = around_.clock.now();
  enter(AwaitingLogin{std::move(*at), now, {}, {}});
  Door& back = std::get<AwaitingLogin>(state_).door;
  perform(back.dialogue->login_refused(failure, sentence, auth::reference_of(facts_.id)));
  auto* waiting = std::get_if<AwaitingLogin>(&state_);
  if (waiting == nullptr) return;
  if (client_has_ended_) return close("client_left", {std::move(waiting->door.stream), nullptr});
  waiting->door.stream->start_reading();
}

void Session::answered(auth::LoginAnswer answer) {
  auto* waiting = std::get_if<AwaitingAnswer>(&state_);
  if (waiting == nullptr) return;  // it came too late
  times_.keeper += milliseconds_between(waiting->since, around_.clock.now());
  if (auto* granted = std::get_if<auth::Granted>(&answer)) return connect(std::move(*granted));
  const auto& denied = std::get<auth::Denied>(answer);
  const auto until = std::min(waiting->since + denied.delay, login_ends_at_);
  if (until <= around_.clock.now()) return refuse_login(denied.failure, denied.sentence);
  auto& no = std::get<auth::Denied>(answer);
  enter(HoldingReply{std::move(waiting->door), std::move(no), until});
}

// The answer may still come, and must not be taken for that to a later question: this client gets no other try.
void Session::keeper_timed_out() {
  auto& waiting = std::get<AwaitingAnswer>(state_);
  around_.keeper.send(auth::LoginDied{facts_.id, auth::LoginFailure::timeout, "no answer from the keeper", times_});
  for (auto& action :
       waiting.door.dialogue->login_refused(auth::LoginFailure::timeout, {}, auth::reference_of(facts_.id))) {
    if (const auto* send = std::get_if<Send>(&action)) waiting.door.stream->write(send->bytes);
  }
  close(auth::name_of(auth::LoginFailure::timeout), {std::move(waiting.door.stream), nullptr});
}

void Session::keeper_gone() {
  if (std::holds_alternative<AwaitingAnswer>(state_)) refuse_login(auth::LoginFailure::keeper_away, {});
}

}  // namespace saslift::proxy
