#include "proxy/imap/client_side.h"

#include <optional>
#include <utility>

#include "proxy/dialogue/failure_words.h"
#include "proxy/dialogue/foreign_protocol.h"
#include "proxy/dialogue/line_reader.h"
#include "proxy/dialogue/patience.h"
#include "proxy/imap/grammar.h"
#include "proxy/imap/replies.h"
#include "proxy/sasl/exchange.h"

namespace saslift::proxy::imap {
namespace {

class ImapClientSide final : public ClientSide {
 public:
  explicit ImapClientSide(ClientSideSettings settings) : settings_(std::move(settings)) {}

  ClientActions greet() override;
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
  enum class Phase {
    reading_command,
    reading_sasl_response,
    starting_tls,
    awaiting_answer,  // of the keeper
    accepted,
    closed,
  };
  // The AUTHENTICATE or LOGIN in progress.
  struct Attempt {
    std::string tag;
    std::string command;
    auth::ClientMechanism mechanism = auth::ClientMechanism::login_command;
    std::optional<sasl::Exchange> exchange;
  };

  [[nodiscard]] ClientActions proceed();
  void read_command();
  void read_sasl_response();
  void run(const Command& command);
  void id(const Command& command);
  void start_tls(const Command& command);
  void login(const Command& command);
  void authenticate(const Command& command);
  void take_step(sasl::ExchangeStep step);
  void attempt(std::string login, std::string authzid, config::Secret password);
  void refuse_in_clear(std::string login);
  void refuse(auth::LoginFailure failure, std::string_view sentence, std::string_view reference);

  void say(std::string_view text);
  void answer(std::string_view tag, std::string_view text);
  void bad(const std::string& tag, std::string_view text);
  void bye(std::string_view text, CloseReason reason);
  [[nodiscard]] bool must_not_log_in() const;

  ClientSideSettings settings_;
  LineReader unread_{BareCr::ends_line};
  CommandReader commands_;
  Patience patience_;
  Phase phase_ = Phase::reading_command;
  Attempt attempt_;
  bool starved_ = false;  // unread_ holds no whole line or literal
  ClientActions actions_;
};

ClientActions ImapClientSide::greet() {
  say("* OK [CAPABILITY " + capabilities(settings_) + "] " + settings_.hostname + " IMAP4rev1 ready\r\n");
  return std::exchange(actions_, {});
}

ClientActions ImapClientSide::receive(std::string_view bytes) {
  if (phase_ == Phase::closed) return {};
  unread_.append(bytes);
  return proceed();
}

ClientActions ImapClientSide::proceed() {
  starved_ = false;
  while (!starved_) {
    if (phase_ == Phase::reading_command) {
      read_command();
    } else if (phase_ == Phase::reading_sasl_response) {
      read_sasl_response();
    } else {
      break;
    }
  }
  return std::exchange(actions_, {});
}

void ImapClientSide::read_command() {
  if (commands_.at_start() && is_foreign_protocol(unread_.peek())) {
    return bye("This port speaks IMAP", CloseReason::foreign_protocol);
  }
  const auto step = commands_.read(unread_);
  if (std::holds_alternative<CommandReader::Incomplete>(step)) {
    starved_ = true;
  } else if (std::holds_alternative<CommandReader::LiteralWanted>(step)) {
    say("+ Ready for the literal\r\n");
  } else if (const auto* command = std::get_if<Command>(&step)) {
    run(*command);
  } else {
    const auto& too_long = std::get<CommandReader::TooLong>(step);
    const bool is_literal = too_long.what == CommandReader::TooLong::What::literal;
    if (!too_long.tag.empty()) {
      answer(too_long.tag, is_literal ? "BAD [TOOBIG] Literal too long" : "BAD [TOOBIG] Command too long");
    }
    // What follows may be the literal's bytes, so nothing more is read.
    bye(is_literal ? "Literal too long" : "Command too long", CloseReason::line_too_long);
  }
}

void ImapClientSide::run(const Command& command) {
  const std::string& name = command.name;
  if (command.tag.empty()) return bad("*", "A command starts with a tag");
  // A lone word may be the rest of a broken SASL exchange, so it is not repeated.
  if (name.empty()) return bad("*", "There is no command behind the tag");
  if (name == "LOGIN") return login(command);
  if (name == "AUTHENTICATE") return authenticate(command);
  if (name == "ID") return id(command);
  if (needs_login(name)) return bad(command.tag, "Please log in first");
  const bool is_bare = command.arguments.size() == 1 &&
                       command.arguments.front().reveal().find_first_not_of(' ') == std::string_view::npos;
  const bool is_known = name == "CAPABILITY" || name == "NOOP" || name == "LOGOUT" || name == "STARTTLS";
  if (!is_known) return bad(command.tag, "Unknown command");
  if (!is_bare) return bad(command.tag, name + " takes no arguments");
  if (name == "CAPABILITY") {
    say("* CAPABILITY " + capabilities(settings_) + "\r\n");
    answer(command.tag, "OK CAPABILITY completed");
  } else if (name == "NOOP") {
    answer(command.tag, "OK NOOP completed");
  } else if (name == "STARTTLS") {
    start_tls(command);
  } else {
    say("* BYE Logging out\r\n");
    answer(command.tag, "OK LOGOUT completed");
    phase_ = Phase::closed;
    actions_.emplace_back(Close{CloseReason::logged_out});
  }
}

void ImapClientSide::id(const Command& command) {
  if (!is_id_parameter_list(command.arguments)) {
    return bad(command.tag, "ID takes NIL or a list of at most 30 pairs of strings");
  }
  say("* ID NIL\r\n");
  answer(command.tag, "OK ID completed");
}

void ImapClientSide::start_tls(const Command& command) {
  if (settings_.tls == auth::ClientTls::active) return bad(command.tag, "TLS is already active");
  if (settings_.starttls == StartTlsOffer::none) return bad(command.tag, "STARTTLS is not offered here");
  // Bytes behind STARTTLS came in clear and would be run as if TLS had protected them (CVE-2011-0411).
  if (unread_.size() > 0) return bye("Nothing may follow STARTTLS", CloseReason::bytes_behind_starttls);
  answer(command.tag, "OK Begin TLS negotiation now");
  phase_ = Phase::starting_tls;
  actions_.emplace_back(StartTls{});
}

ClientActions ImapClientSide::tls_started() {
  settings_.tls = auth::ClientTls::active;
  if (phase_ == Phase::starting_tls) phase_ = Phase::reading_command;
  return proceed();
}

void ImapClientSide::login(const Command& command) {
  auto arguments = parse_login(command.arguments);
  if (!arguments) return bad(command.tag, "LOGIN takes a user name and a password");
  attempt_ = {
      .tag = command.tag, .command = "LOGIN", .mechanism = auth::ClientMechanism::login_command, .exchange = {}};
  attempt(std::move(arguments->user), {}, std::move(arguments->password));
}

void ImapClientSide::authenticate(const Command& command) {
  const auto strings = parse_strings(command.arguments);
  if (!strings || strings->empty() || strings->size() > 2) {
    return bad(command.tag, "AUTHENTICATE takes a mechanism and at most one response");
  }
  const auto mechanism = sasl::parse_mechanism((*strings)[0].reveal());
  if (!mechanism) return bad(command.tag, "The mechanism is not supported, use PLAIN or LOGIN");
  attempt_ = {.tag = command.tag,
              .command = "AUTHENTICATE",
              .mechanism = *mechanism == sasl::ExchangeMechanism::plain ? auth::ClientMechanism::sasl_plain
                                                                        : auth::ClientMechanism::sasl_login,
              .exchange = sasl::Exchange(*mechanism)};
  if (must_not_log_in()) return refuse_in_clear({});
  std::optional<std::string_view> initial_response;
  if (strings->size() == 2) initial_response = (*strings)[1].reveal();
  take_step(attempt_.exchange->start(initial_response));
}

void ImapClientSide::read_sasl_response() {
  const auto line = unread_.take_line(longest_line);
  if (!line) {
    take_step(sasl::ExchangeError::too_long);
  } else if (!*line) {
    starved_ = true;
  } else {
    take_step(attempt_.exchange->respond(**line));
  }
}

void ImapClientSide::take_step(sasl::ExchangeStep step) {
  phase_ = Phase::reading_command;
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    phase_ = Phase::reading_sasl_response;
    return say("+ " + challenge->base64 + "\r\n");
  }
  if (auto* credentials = std::get_if<sasl::Credentials>(&step)) {
    return attempt(std::move(credentials->login), std::move(credentials->authzid), std::move(credentials->password));
  }
  switch (std::get<sasl::ExchangeError>(step)) {
    case sasl::ExchangeError::bad_base64:
      return bad(attempt_.tag, "The response is not base64");
    case sasl::ExchangeError::bad_message:
      return bad(attempt_.tag, "The response does not fit the mechanism");
    case sasl::ExchangeError::cancelled:  // RFC 9051 section 6.2.2
      return answer(attempt_.tag, "BAD AUTHENTICATE cancelled");
    case sasl::ExchangeError::too_long:
      answer(attempt_.tag, "BAD [TOOBIG] The response is too long");
      return bye("The response is too long", CloseReason::line_too_long);
  }
}

void ImapClientSide::attempt(std::string login, std::string authzid, config::Secret password) {
  if (must_not_log_in()) return refuse_in_clear(std::move(login));
  phase_ = Phase::awaiting_answer;
  attempt_.exchange.reset();
  actions_.emplace_back(AttemptLogin{.mechanism = attempt_.mechanism,
                                     .login = std::move(login),
                                     .authzid = std::move(authzid),
                                     .password = std::move(password)});
}

void ImapClientSide::refuse_in_clear(std::string login) {
  phase_ = Phase::awaiting_answer;
  attempt_.exchange.reset();
  actions_.emplace_back(LoginInClear{std::move(login)});
}

ClientActions ImapClientSide::login_accepted() {
  // Without a CAPABILITY code, so that the client asks the provider.
  answer(attempt_.tag, "OK " + attempt_.command + " completed");
  phase_ = Phase::accepted;
  return std::exchange(actions_, {});
}

ClientActions ImapClientSide::login_refused(auth::LoginFailure failure, std::string_view sentence,
                                            std::string_view reference) {
  phase_ = Phase::reading_command;
  refuse(failure, sentence, reference);
  return proceed();
}

void ImapClientSide::refuse(auth::LoginFailure failure, std::string_view sentence, std::string_view reference) {
  answer(attempt_.tag, "NO " + std::string(response_code(failure)) + " " + failure_words(failure, sentence, reference));
  if (patience_.after_failed_login() == Verdict::close) {
    bye("Too many failed logins", CloseReason::too_many_failed_logins);
  }
}

ClientActions ImapClientSide::dismiss(Dismissal why) {
  if (phase_ == Phase::closed) return {};
  bye(words_of(why), CloseReason::dismissed);
  return std::exchange(actions_, {});
}

bool ImapClientSide::must_not_log_in() const {
  return settings_.tls == auth::ClientTls::none && settings_.plaintext_logins == PlaintextLogins::refused;
}

void ImapClientSide::say(std::string_view text) {
  auto* last = actions_.empty() ? nullptr : std::get_if<Send>(&actions_.back());
  if (last == nullptr) last = &std::get<Send>(actions_.emplace_back(Send{}));
  last->bytes += text;
}

void ImapClientSide::answer(std::string_view tag, std::string_view text) {
  say(std::string(tag).append(" ").append(text).append("\r\n"));
}

void ImapClientSide::bad(const std::string& tag, std::string_view text) {
  answer(tag, "BAD " + std::string(text));
  if (patience_.after_bad_command() == Verdict::close) {
    bye("Too many bad commands", CloseReason::too_many_bad_commands);
  }
}

void ImapClientSide::bye(std::string_view text, CloseReason reason) {
  say("* BYE " + std::string(text) + "\r\n");
  phase_ = Phase::closed;
  actions_.emplace_back(Close{reason});
}

}  // namespace

std::unique_ptr<ClientSide> make_client_side(ClientSideSettings settings) {
  return std::make_unique<ImapClientSide>(std::move(settings));
}

}  // namespace saslift::proxy::imap
