#include "proxy/pop3/server_side.h"

#include <string>
#include <utility>

#include "proxy/dialogue/line_reader.h"
#include "proxy/dialogue/printable.h"
#include "proxy/pop3/grammar.h"
#include "proxy/sasl/bearer.h"

namespace saslift::proxy::pop3 {
namespace {

class Pop3ServerSide final : public ServerSide {
 public:
  explicit Pop3ServerSide(ServerLogin login) : login_(std::move(login)) {}

  ServerActions receive(std::string_view bytes) override;
  ServerActions tls_started() override;
  ServerActions ended() override;
  std::string take_unread() override { return std::string(unread_.take_all().reveal()); }

 private:
  enum class State { greeting, stls, starting_tls, mechanism, token, error_answered, over };

  void take_response(ServerActions& actions, std::string_view line);
  void begin_tls(ServerActions& actions, const Response& response, std::string_view line);
  void name_mechanism(ServerActions& actions);
  void mechanism_answered(ServerActions& actions, const Response& response, std::string_view line);
  void token_answered(ServerActions& actions, const Response& response, std::string_view line);
  void refuse(ServerActions& actions, RefusalKind kind, std::string_view line);
  // Of an error in answer to mailbox and token.
  static RefusalKind kind_of(const Response& error);

  ServerLogin login_;
  LineReader unread_;
  State state_ = State::greeting;
  int json_status_ = 0;
};

ServerActions Pop3ServerSide::receive(std::string_view bytes) {
  ServerActions actions;
  if (state_ == State::over) return actions;
  unread_.append(bytes);
  while (state_ != State::over && state_ != State::starting_tls) {
    const auto line = unread_.take_line();
    if (line && line->size() <= longest_server_line) {
      take_response(actions, *line);
      continue;
    }
    if (line || unread_.size() > longest_server_line + 1) refuse(actions, RefusalKind::protocol, "line too long");
    break;
  }
  if (state_ == State::starting_tls && unread_.size() > 0) {
    refuse(actions, RefusalKind::unclean_tls, unread_.peek());
  }
  return actions;
}

void Pop3ServerSide::take_response(ServerActions& actions, std::string_view line) {
  const Response response = parse_response(line);
  switch (state_) {
    case State::greeting:
      if (response.status == Status::error) return refuse(actions, RefusalKind::temporary, line);
      if (response.status != Status::ok) return refuse(actions, RefusalKind::protocol, line);
      if (login_.tls == config::UpstreamTls::implicit) return name_mechanism(actions);
      state_ = State::stls;
      actions.emplace_back(Send{.bytes = "STLS\r\n"});
      return;
    case State::stls:
      return begin_tls(actions, response, line);
    case State::mechanism:
      return mechanism_answered(actions, response, line);
    case State::token:
    case State::error_answered:
      return token_answered(actions, response, line);
    case State::starting_tls:
    case State::over:
      return;
  }
}

void Pop3ServerSide::begin_tls(ServerActions& actions, const Response& response, std::string_view line) {
  if (response.status == Status::error) return refuse(actions, RefusalKind::no_starttls, line);
  if (response.status != Status::ok) return refuse(actions, RefusalKind::protocol, line);
  state_ = State::starting_tls;
  if (unread_.size() == 0) actions.emplace_back(StartTls{});
}

void Pop3ServerSide::name_mechanism(ServerActions& actions) {
  state_ = State::mechanism;
  // Exchange: an initial response on this line ends the connection. RFC 5034 section 4 caps the line at 255 octets.
  actions.emplace_back(Send{.bytes = "AUTH " + std::string(sasl::name_of(login_.mechanism)) + "\r\n"});
}

void Pop3ServerSide::mechanism_answered(ServerActions& actions, const Response& response, std::string_view line) {
  if (response.status == Status::error) {
    // The server has not seen a token yet.
    const bool passes = cause_of(response.text) == Cause::will_pass;
    return refuse(actions, passes ? RefusalKind::temporary : RefusalKind::no_mechanism, line);
  }
  if (response.status != Status::challenge) return refuse(actions, RefusalKind::protocol, line);
  state_ = State::token;
  actions.emplace_back(sasl::token_line(login_, {}));
}

void Pop3ServerSide::token_answered(ServerActions& actions, const Response& response, std::string_view line) {
  if (response.status == Status::error) return refuse(actions, kind_of(response), line);
  if (state_ == State::token && response.status == Status::ok) {
    state_ = State::over;
    actions.emplace_back(LoggedIn{});
    return;
  }
  if (state_ == State::token && response.status == Status::challenge) {
    state_ = State::error_answered;
    json_status_ = sasl::status_of_challenge(response.text);
    actions.emplace_back(Send{.bytes = std::string(sasl::error_answer(login_.mechanism)) + "\r\n"});
    return;
  }
  refuse(actions, RefusalKind::protocol, line);
}

RefusalKind Pop3ServerSide::kind_of(const Response& error) {
  if (cause_of(error.text) == Cause::will_pass) return RefusalKind::temporary;
  // Exchange: "Protocol error. Connection is closed. 10" is a complaint about the line, not about the token in it.
  if (error.text.starts_with("Protocol error")) return RefusalKind::protocol;
  return RefusalKind::token;
}

void Pop3ServerSide::refuse(ServerActions& actions, RefusalKind kind, std::string_view line) {
  state_ = State::over;
  actions.emplace_back(LoginRefused{.kind = kind, .words = printable(line), .json_status = json_status_});
}

ServerActions Pop3ServerSide::tls_started() {
  ServerActions actions;
  name_mechanism(actions);
  return actions;
}

ServerActions Pop3ServerSide::ended() {
  ServerActions actions;
  if (state_ != State::over) refuse(actions, RefusalKind::protocol, "connection closed");
  return actions;
}

}  // namespace

std::unique_ptr<ServerSide> make_server_side(ServerLogin login) {
  return std::make_unique<Pop3ServerSide>(std::move(login));
}

}  // namespace saslift::proxy::pop3
