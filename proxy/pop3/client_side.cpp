#include "proxy/pop3/client_side.h"

#include <optional>
#include <string>
#include <utility>

#include "proxy/dialogue/foreign_protocol.h"
#include "proxy/dialogue/line_reader.h"
#include "proxy/dialogue/patience.h"
#include "proxy/pop3/grammar.h"
#include "proxy/pop3/replies.h"
#include "proxy/sasl/exchange.h"

namespace saslift::proxy::pop3 {
namespace {

class Pop3ClientSide final : public ClientSide {
 public:
  explicit Pop3ClientSide(ClientSideSettings settings) : settings_(std::move(settings)) {}

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
  [[nodiscard]] std::size_t unread_size() const override { return unread_.size(); }
  config::Secret take_unread() override { return unread_.take_all(); }
  [[nodiscard]] bool lf_may_follow() const override { return unread_.lf_may_follow(); }

 private:
  enum class State { command, exchange, starting_tls, awaiting_answer, over };

  // Runs what has been received until an answer, TLS or more bytes are needed.
  ClientActions run();
  void line_is_pending(ClientActions& actions);
  void take_command(ClientActions& actions, std::string_view line);
  void user(ClientActions& actions, const Command& command);
  void pass(ClientActions& actions, const Command& command);
  void auth(ClientActions& actions, const Command& command);
  void stls(ClientActions& actions);
  void step(ClientActions& actions, sasl::ExchangeMechanism mechanism, sasl::ExchangeStep outcome);
  void attempt(ClientActions& actions, AttemptLogin login);
  void refuse_in_clear(ClientActions& actions, std::string login);
  void bad_command(ClientActions& actions, std::string_view text);
  void failed_login(ClientActions& actions, std::string reply);
  void close(ClientActions& actions, CloseReason reason);

  static void say(ClientActions& actions, std::string bytes) { actions.emplace_back(Send{.bytes = std::move(bytes)}); }
  [[nodiscard]] Offer offer() const;

  ClientSideSettings settings_;
  LineReader unread_{BareCr::ends_line};
  State state_ = State::command;
  Patience patience_;
  std::optional<std::string> user_;  // between USER and PASS
  std::optional<std::pair<sasl::ExchangeMechanism, sasl::Exchange>> exchange_;
};

Offer Pop3ClientSide::offer() const {
  if (settings_.tls == auth::ClientTls::active) return {};
  return {.logins = settings_.plaintext_logins, .starttls = settings_.starttls};
}

ClientActions Pop3ClientSide::receive(std::string_view bytes) {
  if (state_ == State::over) return {};
  unread_.append(bytes);
  return run();
}

ClientActions Pop3ClientSide::run() {
  ClientActions actions;
  while (state_ == State::command || state_ == State::exchange) {
    const auto line = unread_.take_line();
    if (!line) {
      line_is_pending(actions);
      return actions;
    }
    if (line->size() > longest_line) {
      say(actions, "-ERR Line too long\r\n");
      close(actions, CloseReason::line_too_long);
    } else if (state_ == State::command) {
      take_command(actions, *line);
    } else {
      const auto mechanism = exchange_->first;
      step(actions, mechanism, exchange_->second.respond(*line));
    }
  }
  if (state_ == State::starting_tls && unread_.size() > 0) {
    // What follows STLS in clear may be an attacker's, to be run as if it had come through TLS.
    close(actions, CloseReason::bytes_behind_starttls);
  }
  return actions;
}

void Pop3ClientSide::line_is_pending(ClientActions& actions) {
  const std::size_t cap = state_ == State::exchange ? longest_sasl_response : longest_line;
  if (unread_.size() > cap + 1) {  // its CR may be here already
    say(actions, "-ERR Line too long\r\n");
    close(actions, CloseReason::line_too_long);
  } else if (state_ == State::command && is_foreign_protocol(unread_.peek())) {
    say(actions, "-ERR This is a POP3 server\r\n");
    close(actions, CloseReason::foreign_protocol);
  }
}

void Pop3ClientSide::take_command(ClientActions& actions, std::string_view line) {
  const Command command = parse_command(line);
  switch (command.verb) {
    case Verb::capa:
      return say(actions, capability_list(offer()));
    case Verb::user:
      return user(actions, command);
    case Verb::pass:
      return pass(actions, command);
    case Verb::auth:
      return auth(actions, command);
    case Verb::apop:
      return say(actions, "-ERR APOP is not supported; use USER and PASS\r\n");
    case Verb::stls:
      return stls(actions);
    case Verb::noop:
      return say(actions, "+OK\r\n");
    case Verb::quit:
      say(actions, "+OK Bye\r\n");
      return close(actions, CloseReason::logged_out);
    case Verb::after_login:
      return say(actions, "-ERR Log in first\r\n");
    case Verb::unknown:
      break;
  }
  if (is_foreign_protocol(std::string(line) + '\n')) {
    say(actions, "-ERR This is a POP3 server\r\n");
    return close(actions, CloseReason::foreign_protocol);
  }
  bad_command(actions, "Unknown command");
}

void Pop3ClientSide::user(ClientActions& actions, const Command& command) {
  if (offer().logins == PlaintextLogins::refused)
    return refuse_in_clear(actions, std::string(command.argument.value_or("")));
  if (!command.argument || command.argument->empty()) return bad_command(actions, "USER needs a name");
  user_ = *command.argument;
  say(actions, "+OK Send your password\r\n");
}

void Pop3ClientSide::pass(ClientActions& actions, const Command& command) {
  if (offer().logins == PlaintextLogins::refused) return refuse_in_clear(actions, {});
  if (!user_) return bad_command(actions, "USER comes first");
  if (!command.argument) return bad_command(actions, "PASS needs a password");
  attempt(actions, {.mechanism = auth::ClientMechanism::user_pass,
                    .login = std::exchange(user_, std::nullopt).value(),
                    .authzid = {},
                    .password = config::Secret(*command.argument)});
}

void Pop3ClientSide::auth(ClientActions& actions, const Command& command) {
  const AuthArgument argument = parse_auth(command.argument.value_or(""));
  if (argument.mechanism.empty()) return say(actions, mechanism_list(offer()));
  if (offer().logins == PlaintextLogins::refused) return refuse_in_clear(actions, {});
  const auto mechanism = sasl::parse_mechanism(argument.mechanism);
  if (!mechanism) return say(actions, "-ERR Unknown mechanism; use PLAIN or LOGIN\r\n");
  exchange_.emplace(*mechanism, sasl::Exchange(*mechanism));
  step(actions, *mechanism, exchange_->second.start(argument.initial_response));
}

void Pop3ClientSide::stls(ClientActions& actions) {
  if (offer().starttls == StartTlsOffer::none) return say(actions, "-ERR STLS is not available\r\n");
  state_ = State::starting_tls;
  if (unread_.size() > 0) return;
  say(actions, "+OK Begin TLS\r\n");
  actions.emplace_back(StartTls{});
}

void Pop3ClientSide::step(ClientActions& actions, sasl::ExchangeMechanism mechanism, sasl::ExchangeStep outcome) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&outcome)) {
    state_ = State::exchange;
    return say(actions, "+ " + challenge->base64 + "\r\n");
  }
  exchange_.reset();
  state_ = State::command;
  if (auto* found = std::get_if<sasl::Credentials>(&outcome)) {
    return attempt(actions,
                   {.mechanism = mechanism == sasl::ExchangeMechanism::plain ? auth::ClientMechanism::sasl_plain
                                                                             : auth::ClientMechanism::sasl_login,
                    .login = std::move(found->login),
                    .authzid = std::move(found->authzid),
                    .password = std::move(found->password)});
  }
  switch (std::get<sasl::ExchangeError>(outcome)) {
    case sasl::ExchangeError::cancelled:
      return say(actions, "-ERR Authentication cancelled\r\n");
    case sasl::ExchangeError::bad_base64:
      return bad_command(actions, "The response is not base64");
    case sasl::ExchangeError::bad_message:
      return bad_command(actions, "The response is not what the mechanism asks for");
    case sasl::ExchangeError::too_long:
      say(actions, "-ERR Line too long\r\n");
      return close(actions, CloseReason::line_too_long);
  }
}

void Pop3ClientSide::attempt(ClientActions& actions, AttemptLogin login) {
  user_.reset();
  state_ = State::awaiting_answer;
  actions.emplace_back(std::move(login));
}

void Pop3ClientSide::refuse_in_clear(ClientActions& actions, std::string login) {
  state_ = State::awaiting_answer;
  actions.emplace_back(LoginInClear{.login = std::move(login)});
}

void Pop3ClientSide::bad_command(ClientActions& actions, std::string_view text) {
  say(actions, "-ERR " + std::string(text) + "\r\n");
  if (patience_.after_bad_command() == Verdict::close) close(actions, CloseReason::too_many_bad_commands);
}

void Pop3ClientSide::failed_login(ClientActions& actions, std::string reply) {
  say(actions, std::move(reply));
  if (patience_.after_failed_login() == Verdict::close) close(actions, CloseReason::too_many_failed_logins);
}

void Pop3ClientSide::close(ClientActions& actions, CloseReason reason) {
  state_ = State::over;
  exchange_.reset();
  actions.emplace_back(Close{.reason = reason});
}

ClientActions Pop3ClientSide::tls_started() {
  settings_.tls = auth::ClientTls::active;
  user_.reset();  // RFC 2595 section 4: what was said in clear is forgotten
  state_ = State::command;
  return run();
}

ClientActions Pop3ClientSide::login_accepted() {
  state_ = State::over;
  ClientActions actions;
  say(actions, "+OK Logged in\r\n");
  return actions;
}

ClientActions Pop3ClientSide::login_refused(auth::LoginFailure failure, std::string_view sentence,
                                            std::string_view reference) {
  state_ = State::command;
  ClientActions actions;
  failed_login(actions, login_refusal(failure, sentence, reference));
  if (state_ == State::over) return actions;
  ClientActions more = run();
  actions.insert(actions.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return actions;
}

ClientActions Pop3ClientSide::dismiss(Dismissal why) {
  ClientActions actions;
  if (state_ == State::over) return actions;
  say(actions, dismissal(why));
  close(actions, CloseReason::dismissed);
  return actions;
}

}  // namespace

std::unique_ptr<ClientSide> make_client_side(ClientSideSettings settings) {
  return std::make_unique<Pop3ClientSide>(std::move(settings));
}

}  // namespace saslift::proxy::pop3
