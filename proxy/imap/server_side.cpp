#include "proxy/imap/server_side.h"

#include <utility>

#include "proxy/dialogue/line_reader.h"
#include "proxy/dialogue/printable.h"
#include "proxy/imap/responses.h"
#include "proxy/sasl/bearer.h"

namespace saslift::proxy::imap {
namespace {

// Fixed tags, so that a trace can be read at a glance.
constexpr std::string_view capability_tag = "C";
constexpr std::string_view starttls_tag = "S";
constexpr std::string_view login_tag = "L";

class ImapServerSide final : public ServerSide {
 public:
  explicit ImapServerSide(ServerLogin login) : login_(std::move(login)) {}

  ServerActions receive(std::string_view bytes) override;
  ServerActions tls_started() override;
  ServerActions ended() override;
  std::string take_unread() override { return std::string(unread_.take_all().reveal()); }

 private:
  enum class Phase {
    greeting,
    capabilities,
    starttls,
    starting_tls,
    first_challenge,   // the token waits for the server's "+"
    outcome,           // of the token we sent
    outcome_of_error,  // the error challenge is answered
    logged_in,
    refused,
  };
  enum class Tls { none, active };

  void take(std::string_view line);
  void take_greeting(const Response& response, std::string_view line);
  void take_challenge(const Response& response, std::string_view line);
  void take_tagged(const Response& response, std::string_view line);
  void take_outcome(const Response& response, std::string_view line);
  void ask_capabilities();
  void go_on(const Capabilities& capabilities);
  [[nodiscard]] bool is_enough(const Capabilities& capabilities) const;
  void authenticate(const Capabilities& capabilities);
  void send_token(std::string_view before);
  void send(std::string_view text);
  void refuse(RefusalKind kind, std::string_view line);
  [[nodiscard]] bool is_over() const { return phase_ == Phase::logged_in || phase_ == Phase::refused; }
  [[nodiscard]] bool must_start_tls() const { return login_.tls == config::UpstreamTls::starttls && tls_ == Tls::none; }

  ServerLogin login_;
  LineReader unread_;
  Phase phase_ = Phase::greeting;
  Tls tls_ = Tls::none;
  Capabilities capabilities_;
  std::size_t reply_bytes_ = 0;  // since our last command
  int reply_lines_ = 0;
  int json_status_ = 0;
  ServerActions actions_;
};

ServerActions ImapServerSide::receive(std::string_view bytes) {
  if (phase_ == Phase::refused) return {};
  unread_.append(bytes);
  // Bytes in clear behind the go-ahead would be read as if TLS had protected them.
  if (phase_ == Phase::starting_tls) refuse(RefusalKind::unclean_tls, {});
  while (!is_over() && phase_ != Phase::starting_tls) {
    const auto line = unread_.take_line(longest_server_line - reply_bytes_);
    if (!line) {
      refuse(RefusalKind::protocol, "the reply is too long");
    } else if (!*line) {
      break;
    } else if (++reply_lines_ > most_reply_lines) {
      refuse(RefusalKind::protocol, "the reply has too many lines");
    } else {
      reply_bytes_ += (*line)->size();
      take(**line);
    }
  }
  return std::exchange(actions_, {});
}

void ImapServerSide::take(std::string_view line) {
  const Response response = parse_response(line);
  if (phase_ == Phase::greeting) return take_greeting(response, line);
  switch (response.kind) {
    case ResponseKind::malformed:
      return refuse(RefusalKind::protocol, line);
    case ResponseKind::continuation:
      return take_challenge(response, line);
    case ResponseKind::tagged:
      return take_tagged(response, line);
    case ResponseKind::untagged:
      break;
  }
  if (response.name == "BYE") return refuse(json_status_ == 0 ? RefusalKind::temporary : RefusalKind::token, line);
  // Anything else untagged is dropped: before login nobody vouches for it, and the client must not see it.
  if (phase_ == Phase::capabilities && response.name == "CAPABILITY") {
    capabilities_ = parse_capabilities(response.text, login_.mechanism);
  }
}

void ImapServerSide::take_greeting(const Response& response, std::string_view line) {
  const bool is_untagged = response.kind == ResponseKind::untagged;
  if (is_untagged && response.name == "BYE") return refuse(RefusalKind::temporary, line);
  // PREAUTH would make us relay a mailbox that no token was asked for, RFC 9051 section 11.1.
  if (!is_untagged || response.name != "OK") return refuse(RefusalKind::protocol, line);
  const auto listed = parse_capabilities(capabilities_in_code(response), login_.mechanism);
  // A greeting need not list everything.
  if (is_enough(listed)) return go_on(listed);
  ask_capabilities();
}

void ImapServerSide::ask_capabilities() {
  capabilities_ = {};
  phase_ = Phase::capabilities;
  send("C CAPABILITY\r\n");
}

bool ImapServerSide::is_enough(const Capabilities& capabilities) const {
  return must_start_tls() ? capabilities.starttls : capabilities.mechanism;
}

void ImapServerSide::go_on(const Capabilities& capabilities) {
  if (!must_start_tls()) return authenticate(capabilities);
  phase_ = Phase::starttls;
  send("S STARTTLS\r\n");
}

ServerActions ImapServerSide::tls_started() {
  if (phase_ == Phase::starting_tls) {
    tls_ = Tls::active;
    // RFC 9051 section 6.2.1: what was learnt in clear is forgotten.
    ask_capabilities();
  }
  return std::exchange(actions_, {});
}

void ImapServerSide::authenticate(const Capabilities& capabilities) {
  const std::string command = "L AUTHENTICATE " + std::string(sasl::name_of(login_.mechanism));
  if (capabilities.initial_response) {
    send_token(command + " ");
  } else {
    phase_ = Phase::first_challenge;
    send(command + "\r\n");
  }
}

void ImapServerSide::send_token(std::string_view before) {
  phase_ = Phase::outcome;
  reply_bytes_ = 0;
  reply_lines_ = 0;
  actions_.emplace_back(sasl::token_line(login_, before));
}

void ImapServerSide::take_challenge(const Response& response, std::string_view line) {
  if (phase_ == Phase::first_challenge) return send_token({});
  if (phase_ != Phase::outcome) return refuse(RefusalKind::protocol, line);
  json_status_ = sasl::status_of_challenge(response.text);
  phase_ = Phase::outcome_of_error;
  send(std::string(sasl::error_answer(login_.mechanism)) + "\r\n");
}

void ImapServerSide::take_tagged(const Response& response, std::string_view line) {
  const bool is_ok = response.name == "OK";
  if (phase_ == Phase::capabilities && response.tag == capability_tag) {
    if (!is_ok) return refuse(is_temporary(response) ? RefusalKind::temporary : RefusalKind::protocol, line);
    if (is_enough(capabilities_)) return go_on(capabilities_);
    return refuse(must_start_tls() ? RefusalKind::no_starttls : RefusalKind::no_mechanism, line);
  }
  if (phase_ == Phase::starttls && response.tag == starttls_tag) {
    if (!is_ok) return refuse(RefusalKind::no_starttls, line);
    if (unread_.size() > 0) return refuse(RefusalKind::unclean_tls, unread_.peek());
    phase_ = Phase::starting_tls;
    actions_.emplace_back(StartTls{});
    return;
  }
  const bool is_outcome =
      phase_ == Phase::first_challenge || phase_ == Phase::outcome || phase_ == Phase::outcome_of_error;
  if (is_outcome && response.tag == login_tag) return take_outcome(response, line);
  refuse(RefusalKind::protocol, line);
}

void ImapServerSide::take_outcome(const Response& response, std::string_view line) {
  if (response.name == "OK" && phase_ != Phase::first_challenge) {
    phase_ = Phase::logged_in;
    actions_.emplace_back(LoggedIn{});
  } else if (response.name != "NO" && response.name != "BAD") {
    refuse(RefusalKind::protocol, line);
  } else if (is_temporary(response) || json_status_ >= 500) {
    refuse(RefusalKind::temporary, line);
  } else if (phase_ == Phase::first_challenge || (response.name == "BAD" && json_status_ == 0)) {
    // The token was not looked at.
    refuse(RefusalKind::protocol, line);
  } else {
    refuse(RefusalKind::token, line);
  }
}

ServerActions ImapServerSide::ended() {
  if (!is_over()) refuse(RefusalKind::protocol, "the server closed the connection before the login was done");
  return std::exchange(actions_, {});
}

void ImapServerSide::send(std::string_view text) {
  reply_bytes_ = 0;
  reply_lines_ = 0;
  actions_.emplace_back(Send{.bytes = std::string(text), .holds = Holds::no_secret});
}

void ImapServerSide::refuse(RefusalKind kind, std::string_view line) {
  phase_ = Phase::refused;
  actions_.emplace_back(LoginRefused{.kind = kind, .words = printable(line), .json_status = json_status_});
}

}  // namespace

std::unique_ptr<ServerSide> make_server_side(ServerLogin login) {
  return std::make_unique<ImapServerSide>(std::move(login));
}

}  // namespace saslift::proxy::imap
