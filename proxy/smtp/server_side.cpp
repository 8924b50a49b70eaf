#include "proxy/smtp/server_side.h"

#include <string>
#include <utility>

#include "proxy/dialogue/line_reader.h"
#include "proxy/dialogue/printable.h"
#include "proxy/sasl/bearer.h"
#include "proxy/smtp/grammar.h"

namespace saslift::proxy::smtp {
namespace {

class SmtpServerSide final : public ServerSide {
 public:
  explicit SmtpServerSide(ServerLogin login) : login_(std::move(login)) {}

  ServerActions receive(std::string_view bytes) override;
  ServerActions tls_started() override;
  ServerActions ended() override;
  std::string take_unread() override { return std::string(unread_.take_all().reveal()); }

 private:
  enum class State { greeting, ehlo_in_clear, starttls, starting_tls, ehlo, mechanism, token, error_answered, over };

  void take_reply(ServerActions& actions, const Reply& reply);
  void greeted(ServerActions& actions, const Reply& reply);
  void extensions_told(ServerActions& actions, const Reply& reply);
  void begin_tls(ServerActions& actions, const Reply& reply);
  void mechanism_answered(ServerActions& actions, const Reply& reply);
  void token_answered(ServerActions& actions, const Reply& reply);
  void say_ehlo(ServerActions& actions, State next);
  void refuse(ServerActions& actions, RefusalKind kind, std::string_view line);

  ServerLogin login_;
  LineReader unread_;
  ReplyReader reply_;
  State state_ = State::greeting;
  int json_status_ = 0;
};

// 4yz is temporary at every step; what 5yz means depends on the step.
RefusalKind kind_of(const Reply& reply, RefusalKind permanent) {
  if (reply.severity() == 4) return RefusalKind::temporary;
  return reply.severity() == 5 ? permanent : RefusalKind::protocol;
}

RefusalKind kind_of_token_refusal(const Reply& reply) {
  switch (reply.code) {
    case 504:  // RFC 4954 section 4: the mechanism
      return RefusalKind::no_mechanism;
    case 500:  // not understood: "500 5.3.3 Unrecognized command", "500 5.5.6 too long"
    case 503:  // out of sequence
    case 555:  // Gmail: "555 5.5.2 Syntax error, command line too long"
      return RefusalKind::protocol;
    default:
      return kind_of(reply, RefusalKind::token);
  }
}

RefusalKind kind_of_mechanism_refusal(const Reply& reply) {
  switch (reply.code) {
    case 500:
    case 501:
    case 502:
    case 504:
      return RefusalKind::no_mechanism;
    case 503:
      return RefusalKind::protocol;
    default:
      return kind_of(reply, RefusalKind::token);  // Exchange may refuse the mailbox's right to submit here
  }
}

ServerActions SmtpServerSide::receive(std::string_view bytes) {
  ServerActions actions;
  if (state_ == State::over) return actions;
  unread_.append(bytes);
  while (state_ != State::over && state_ != State::starting_tls) {
    const auto line = unread_.take_line();
    if (!line) {
      if (unread_.size() > longest_server_line + 1) refuse(actions, RefusalKind::protocol, "line too long");
      break;
    }
    const auto reply = reply_.take(*line);
    if (!reply) {
      refuse(actions, RefusalKind::protocol, reply.error() == ReplyFault::too_long ? "reply too long" : *line);
    } else if (*reply) {
      take_reply(actions, **reply);
    }
  }
  if (state_ == State::starting_tls && unread_.size() > 0) {
    refuse(actions, RefusalKind::unclean_tls, unread_.peek());
  }
  return actions;
}

void SmtpServerSide::take_reply(ServerActions& actions, const Reply& reply) {
  // RFC 5321 section 3.8: 421 may answer any command.
  if (reply.code == 421) return refuse(actions, RefusalKind::temporary, reply.words());
  switch (state_) {
    case State::greeting:
      return greeted(actions, reply);
    case State::ehlo_in_clear:
    case State::ehlo:
      return extensions_told(actions, reply);
    case State::starttls:
      return begin_tls(actions, reply);
    case State::mechanism:
      return mechanism_answered(actions, reply);
    case State::token:
    case State::error_answered:
      return token_answered(actions, reply);
    case State::starting_tls:
    case State::over:
      return;
  }
}

void SmtpServerSide::greeted(ServerActions& actions, const Reply& reply) {
  if (reply.code != 220) return refuse(actions, kind_of(reply, RefusalKind::protocol), reply.words());
  say_ehlo(actions, login_.tls == config::UpstreamTls::starttls ? State::ehlo_in_clear : State::ehlo);
}

void SmtpServerSide::say_ehlo(ServerActions& actions, State next) {
  state_ = next;
  actions.emplace_back(Send{.bytes = "EHLO " + login_.ehlo_word + "\r\n"});
}

void SmtpServerSide::extensions_told(ServerActions& actions, const Reply& reply) {
  if (reply.code != 250) return refuse(actions, kind_of(reply, RefusalKind::protocol), reply.words());
  if (state_ == State::ehlo_in_clear) {
    if (!offers_starttls(reply)) return refuse(actions, RefusalKind::no_starttls, reply.words());
    state_ = State::starttls;
    actions.emplace_back(Send{.bytes = "STARTTLS\r\n"});
    return;
  }
  const std::string mechanism(sasl::name_of(login_.mechanism));
  if (!offers_mechanism(reply, mechanism)) return refuse(actions, RefusalKind::no_mechanism, reply.words());
  state_ = State::mechanism;
  // Without initial response: Gmail caps this line (RFC 5321 section 4.5.3.1.4: 512 octets), tokens are longer.
  actions.emplace_back(Send{.bytes = "AUTH " + mechanism + "\r\n"});
}

void SmtpServerSide::begin_tls(ServerActions& actions, const Reply& reply) {
  if (reply.code != 220) return refuse(actions, RefusalKind::no_starttls, reply.words());
  state_ = State::starting_tls;
  if (unread_.size() == 0) actions.emplace_back(StartTls{});
}

void SmtpServerSide::mechanism_answered(ServerActions& actions, const Reply& reply) {
  if (reply.code != 334) return refuse(actions, kind_of_mechanism_refusal(reply), reply.words());
  state_ = State::token;
  actions.emplace_back(sasl::token_line(login_, {}));
}

void SmtpServerSide::token_answered(ServerActions& actions, const Reply& reply) {
  if (state_ == State::token && reply.code == 235) {
    state_ = State::over;
    actions.emplace_back(LoggedIn{});
    return;
  }
  if (state_ == State::token && reply.code == 334) {
    state_ = State::error_answered;
    json_status_ = sasl::status_of_challenge(reply.lines.back());
    actions.emplace_back(Send{.bytes = std::string(sasl::error_answer(login_.mechanism)) + "\r\n"});
    return;
  }
  refuse(actions, kind_of_token_refusal(reply), reply.words());
}

void SmtpServerSide::refuse(ServerActions& actions, RefusalKind kind, std::string_view line) {
  state_ = State::over;
  actions.emplace_back(LoginRefused{.kind = kind, .words = printable(line), .json_status = json_status_});
}

ServerActions SmtpServerSide::tls_started() {
  ServerActions actions;
  // RFC 3207 section 4.2: what was learnt in clear is forgotten.
  say_ehlo(actions, State::ehlo);
  return actions;
}

ServerActions SmtpServerSide::ended() {
  ServerActions actions;
  if (state_ != State::over) refuse(actions, RefusalKind::protocol, "connection closed");
  return actions;
}

}  // namespace

std::unique_ptr<ServerSide> make_server_side(ServerLogin login) {
  return std::make_unique<SmtpServerSide>(std::move(login));
}

}  // namespace saslift::proxy::smtp
