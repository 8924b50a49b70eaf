#include "proxy/smtp/client_side.h"

#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "proxy/dialogue/foreign_protocol.h"
#include "proxy/dialogue/line_reader.h"
#include "proxy/dialogue/patience.h"
#include "proxy/sasl/exchange.h"
#include "proxy/smtp/grammar.h"
#include "proxy/smtp/replies.h"

namespace saslift::proxy::smtp {
namespace {

constexpr std::string_view line_too_long = "500 5.5.2 Line too long\r\n";
constexpr std::string_view response_too_long = "500 5.5.6 Authentication exchange line is too long\r\n";  // RFC 4954 4

class SmtpClientSide final : public ClientSide {
 public:
  explicit SmtpClientSide(ClientSideSettings settings) : settings_(std::move(settings)) {}

  ClientActions greet() override {
    ClientActions actions;
    say(actions, greeting(settings_.hostname));
    return actions;
  }
  ClientActions receive(std::string_view bytes) override;
  ClientActions tls_started() override;
  ClientActions login_accepted() override;
  ClientActions login_refused(auth::LoginFailure failure, std::string_view sentence,
                              std::string_view reference) override;
  ClientActions dismiss(Dismissal why) override;
  [[nodiscard]] std::size_t unread_size() const override { return held_mail_.size() + unread_.size(); }
  config::Secret take_unread() override;
  [[nodiscard]] bool lf_may_follow() const override { return unread_.lf_may_follow(); }

 private:
  enum class State { command, exchange, starting_tls, awaiting_answer, over };

  // Runs what has been received until an answer, TLS or more bytes are needed.
  ClientActions run();
  void line_is_pending(ClientActions& actions);
  void too_long(ClientActions& actions, std::string_view reply);
  void take_command(ClientActions& actions, std::string_view line);
  void unknown(ClientActions& actions, std::string_view line);
  void auth(ClientActions& actions, std::string_view argument);
  void starttls(ClientActions& actions, std::string_view argument);
  void step(ClientActions& actions, sasl::ExchangeMechanism mechanism, sasl::ExchangeStep outcome);
  void attempt(ClientActions& actions, sasl::ExchangeMechanism mechanism, sasl::Credentials found);
  void hold_mail(ClientActions& actions, std::string_view line);
  void bad_command(ClientActions& actions, std::string_view reply);
  void failed_login(ClientActions& actions, Refusal refusal);
  void close(ClientActions& actions, CloseReason reason);

  static void say(ClientActions& actions, std::string bytes) { actions.emplace_back(Send{.bytes = std::move(bytes)}); }
  [[nodiscard]] Offer offer() const;

  ClientSideSettings settings_;
  LineReader unread_{BareCr::ends_line};
  State state_ = State::command;
  Patience patience_;
  std::string held_mail_;  // of a trusted client, while it is logged in
  std::optional<std::pair<sasl::ExchangeMechanism, sasl::Exchange>> exchange_;
};

Offer SmtpClientSide::offer() const {
  if (settings_.tls == auth::ClientTls::active) return {.auth_equals = settings_.auth_equals};
  return {.logins = settings_.plaintext_logins, .starttls = settings_.starttls, .auth_equals = settings_.auth_equals};
}

ClientActions SmtpClientSide::receive(std::string_view bytes) {
  if (state_ == State::over) return {};
  unread_.append(bytes);
  return run();
}

ClientActions SmtpClientSide::run() {
  ClientActions actions;
  while (state_ == State::command || state_ == State::exchange) {
    const auto line = unread_.take_line();
    if (!line) {
      line_is_pending(actions);
      return actions;
    }
    if (line->size() > longest_line) {
      too_long(actions, state_ == State::exchange ? response_too_long : line_too_long);
    } else if (state_ == State::command) {
      take_command(actions, *line);
    } else {
      const auto mechanism = exchange_->first;
      step(actions, mechanism, exchange_->second.respond(*line));
    }
  }
  if (state_ == State::starting_tls && unread_.size() > 0) {
    // What follows STARTTLS in clear may be an attacker's, to be run as if it had come through TLS.
    close(actions, CloseReason::bytes_behind_starttls);
  }
  return actions;
}

void SmtpClientSide::line_is_pending(ClientActions& actions) {
  constexpr std::size_t cr = 1;  // may be here before its LF
  if (state_ == State::exchange && unread_.size() > longest_sasl_response + cr) {
    return too_long(actions, response_too_long);
  }
  if (unread_.size() > longest_line + cr) return too_long(actions, line_too_long);
  if (state_ == State::command && is_foreign_protocol(unread_.peek())) unknown(actions, unread_.peek());
}

void SmtpClientSide::too_long(ClientActions& actions, std::string_view reply) {
  say(actions, std::string(reply));
  close(actions, CloseReason::line_too_long);
}

void SmtpClientSide::take_command(ClientActions& actions, std::string_view line) {
  const Command command = parse_command(line);
  switch (command.verb) {
    case Verb::ehlo:
      return say(actions, ehlo_reply(settings_.hostname, settings_.smtp_extensions, offer()));
    case Verb::helo:
      return say(actions, helo_reply(settings_.hostname));
    case Verb::auth:
      return auth(actions, command.argument);
    case Verb::starttls:
      return starttls(actions, command.argument);
    case Verb::noop:
    case Verb::rset:
      return say(actions, "250 2.0.0 OK\r\n");
    case Verb::help:
      return say(actions, "214 2.0.0 Log in with AUTH PLAIN or AUTH LOGIN, then send mail\r\n");
    case Verb::vrfy:
      return say(actions, "252 2.0.0 Not verified; log in and send mail to it\r\n");
    case Verb::quit:
      say(actions, "221 2.0.0 Bye\r\n");
      return close(actions, CloseReason::logged_out);
    case Verb::mail:
      if (settings_.trust == TrustedClient::yes) return hold_mail(actions, line);
      [[fallthrough]];
    case Verb::after_login:
      return say(actions, "530 5.7.0 Authentication required; set a user name and password for outgoing mail\r\n");
    case Verb::unknown:
      return unknown(actions, line);
  }
}

void SmtpClientSide::unknown(ClientActions& actions, std::string_view line) {
  if (is_foreign_protocol(std::string(line) + '\n')) {
    say(actions, "500 5.5.1 This is an SMTP server\r\n");
    return close(actions, CloseReason::foreign_protocol);
  }
  bad_command(actions, "500 5.5.1 Unknown command\r\n");
}

void SmtpClientSide::auth(ClientActions& actions, std::string_view argument) {
  const AuthArgument parsed = parse_auth(argument);
  if (parsed.mechanism.empty()) return bad_command(actions, "501 5.5.4 AUTH needs a mechanism\r\n");
  if (offer().logins == PlaintextLogins::refused) {
    state_ = State::awaiting_answer;
    actions.emplace_back(LoginInClear{});
    return;
  }
  const auto mechanism = sasl::parse_mechanism(parsed.mechanism);
  if (!mechanism) return say(actions, "504 5.5.4 Unknown mechanism; use PLAIN or LOGIN\r\n");
  exchange_.emplace(*mechanism, sasl::Exchange(*mechanism));
  step(actions, *mechanism, exchange_->second.start(parsed.initial_response));
}

void SmtpClientSide::starttls(ClientActions& actions, std::string_view argument) {
  if (!argument.empty()) return bad_command(actions, "501 5.5.4 STARTTLS takes no parameters\r\n");  // RFC 3207 4
  if (offer().starttls == StartTlsOffer::none) return say(actions, "502 5.5.1 STARTTLS is not available\r\n");
  state_ = State::starting_tls;
  if (unread_.size() > 0) return;
  say(actions, "220 2.0.0 Ready to start TLS\r\n");
  actions.emplace_back(StartTls{});
}

void SmtpClientSide::step(ClientActions& actions, sasl::ExchangeMechanism mechanism, sasl::ExchangeStep outcome) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&outcome)) {
    state_ = State::exchange;
    return say(actions, "334 " + challenge->base64 + "\r\n");
  }
  if (auto* found = std::get_if<sasl::Credentials>(&outcome)) return attempt(actions, mechanism, std::move(*found));
  exchange_.reset();
  state_ = State::command;
  switch (std::get<sasl::ExchangeError>(outcome)) {
    case sasl::ExchangeError::cancelled:
      return say(actions, "501 5.7.0 Authentication cancelled\r\n");
    case sasl::ExchangeError::bad_base64:
      return bad_command(actions, "501 5.5.2 The response is not base64\r\n");
    case sasl::ExchangeError::too_long:
      return too_long(actions, response_too_long);
    case sasl::ExchangeError::bad_message:
      return bad_command(actions, "501 5.5.2 The response is not what the mechanism asks for\r\n");
  }
}

void SmtpClientSide::attempt(ClientActions& actions, sasl::ExchangeMechanism mechanism, sasl::Credentials found) {
  exchange_.reset();
  state_ = State::awaiting_answer;
  actions.emplace_back(AttemptLogin{.mechanism = mechanism == sasl::ExchangeMechanism::plain
                                                     ? auth::ClientMechanism::sasl_plain
                                                     : auth::ClientMechanism::sasl_login,
                                    .login = std::move(found.login),
                                    .authzid = std::move(found.authzid),
                                    .password = std::move(found.password)});
}

// The server answers it once we are logged in there.
void SmtpClientSide::hold_mail(ClientActions& actions, std::string_view line) {
  held_mail_ = std::string(line) + "\r\n";
  state_ = State::awaiting_answer;
  actions.emplace_back(
      AttemptLogin{.mechanism = auth::ClientMechanism::trusted_address, .login = {}, .authzid = {}, .password = {}});
}

config::Secret SmtpClientSide::take_unread() {
  if (held_mail_.empty()) return unread_.take_all();
  const config::Secret behind = unread_.take_all();
  std::string all;
  all.reserve(held_mail_.size() + behind.size());
  all += std::exchange(held_mail_, {});
  all += behind.reveal();
  return config::Secret::taken_from(all);
}

void SmtpClientSide::bad_command(ClientActions& actions, std::string_view reply) {
  say(actions, std::string(reply));
  if (patience_.after_bad_command() == Verdict::close) close(actions, CloseReason::too_many_bad_commands);
}

void SmtpClientSide::failed_login(ClientActions& actions, Refusal refusal) {
  say(actions, std::move(refusal.reply));
  if (patience_.after_failed_login() == Verdict::close) {
    close(actions, CloseReason::too_many_failed_logins);
  } else if (refusal.closes) {
    close(actions, CloseReason::dismissed);
  }
}

void SmtpClientSide::close(ClientActions& actions, CloseReason reason) {
  state_ = State::over;
  exchange_.reset();
  actions.emplace_back(Close{.reason = reason});
}

ClientActions SmtpClientSide::tls_started() {
  settings_.tls = auth::ClientTls::active;
  state_ = State::command;
  return run();
}

ClientActions SmtpClientSide::login_accepted() {
  state_ = State::over;
  ClientActions actions;
  if (held_mail_.empty()) say(actions, "235 2.7.0 Authentication successful\r\n");
  return actions;
}

ClientActions SmtpClientSide::login_refused(auth::LoginFailure failure, std::string_view sentence,
                                            std::string_view reference) {
  state_ = State::command;
  ClientActions actions;
  failed_login(actions, std::exchange(held_mail_, {}).empty() ? login_refusal(failure, sentence, reference)
                                                              : mail_refusal(failure, sentence, reference));
  if (state_ == State::over) return actions;
  ClientActions more = run();
  actions.insert(actions.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return actions;
}

ClientActions SmtpClientSide::dismiss(Dismissal why) {
  ClientActions actions;
  if (state_ == State::over) return actions;
  say(actions, dismissal(why));
  close(actions, CloseReason::dismissed);
  return actions;
}

}  // namespace

std::unique_ptr<ClientSide> make_client_side(ClientSideSettings settings) {
  return std::make_unique<SmtpClientSide>(std::move(settings));
}

}  // namespace saslift::proxy::smtp
