#include "subject.h"

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace saslift::dialogues {
namespace {

using namespace saslift::proxy;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

// A secret and what base64 makes of it at each alignment.
class Secrets {
 public:
  void add(const std::string& secret) {
    if (secret.size() < 4) return;  // too short to tell from other text
    needles_.insert(secret);
    for (std::size_t offset = 0; offset < 3; ++offset) {
      const std::string text = base64(std::string(offset, ' ') + secret);
      const std::size_t front = offset == 0 ? 0 : offset + 1;
      const std::size_t whole = (offset + secret.size()) / 3 * 4;
      if (whole >= front + 6) needles_.insert(text.substr(front, whole - front));
    }
  }
  void must_not_be_in(std::string_view text, const std::string& where) const {
    for (const auto& needle : needles_) {
      if (text.find(needle) != std::string_view::npos) fail("the secret is in " + where + ": " + escaped(text));
    }
  }

 private:
  std::set<std::string> needles_;
};

std::string_view name_of_mechanism(auth::ClientMechanism mechanism) {
  switch (mechanism) {
    case auth::ClientMechanism::login_command:
      return "login_command";
    case auth::ClientMechanism::user_pass:
      return "user_pass";
    case auth::ClientMechanism::sasl_plain:
      return "sasl_plain";
    case auth::ClientMechanism::sasl_login:
      return "sasl_login";
    case auth::ClientMechanism::trusted_address:
      return "trusted_address";
  }
  return "?";
}

auth::LoginFailure login_failure(const std::string& name) {
  static constexpr std::pair<std::string_view, auth::LoginFailure> names[] = {
      {"bad_credentials", auth::LoginFailure::bad_credentials},
      {"not_permitted", auth::LoginFailure::not_permitted},
      {"authzid_refused", auth::LoginFailure::authzid_refused},
      {"needs_tls", auth::LoginFailure::needs_tls},
      {"sign_in_needed", auth::LoginFailure::sign_in_needed},
      {"identity_refused", auth::LoginFailure::identity_refused},
      {"token_unavailable", auth::LoginFailure::token_unavailable},
      {"server_unreachable", auth::LoginFailure::server_unreachable},
      {"server_protocol_error", auth::LoginFailure::server_protocol_error},
      {"timeout", auth::LoginFailure::timeout},
      {"limit_reached", auth::LoginFailure::limit_reached},
      {"overloaded", auth::LoginFailure::overloaded},
      {"shutting_down", auth::LoginFailure::shutting_down},
      {"keeper_away", auth::LoginFailure::keeper_away},
  };
  static_assert(std::size(names) == auth::login_failure_count);
  for (const auto& [known, failure] : names) {
    if (name == known) return failure;
  }
  fail("unknown login failure " + name);
}

Dismissal dismissal(const std::string& name) {
  if (name == "idle_before_login") return Dismissal::idle_before_login;
  if (name == "session_cap") return Dismissal::session_cap;
  if (name == "shutting_down") return Dismissal::shutting_down;
  fail("unknown dismissal " + name);
}

// One of two words; the first unless the script says the second.
bool is_second(const Script& script, const std::string& key, std::string_view first, std::string_view second) {
  const std::string value = script.setting(key, first);
  if (value != first && value != second) fail(script.name + ": " + key + " cannot be " + value);
  return value == second;
}

ClientSideSettings client_side_settings(const Script& script) {
  ClientSideSettings settings;
  settings.hostname = script.setting("hostname", "proxy.example.com");
  if (is_second(script, "starttls", "none", "offered")) settings.starttls = StartTlsOffer::offered;
  if (is_second(script, "plaintext_logins", "accepted", "refused")) {
    settings.plaintext_logins = PlaintextLogins::refused;
  }
  if (is_second(script, "tls", "none", "active")) settings.tls = auth::ClientTls::active;
  if (is_second(script, "auth_equals", "none", "listed")) settings.auth_equals = AuthEquals::listed;
  if (is_second(script, "trust", "no", "yes")) settings.trust = TrustedClient::yes;
  std::string lines = script.setting("smtp_extensions", "");
  while (!lines.empty()) {
    const auto comma = lines.find(',');
    std::string line = lines.substr(0, comma);
    lines = comma == std::string::npos ? std::string() : lines.substr(comma + 1);
    line.erase(0, line.find_first_not_of(' '));
    settings.smtp_extensions.push_back(std::move(line));
  }
  return settings;
}

ServerLogin server_login(const Script& script) {
  ServerLogin login;
  login.mailbox = script.setting("mailbox", "");
  login.access_token = config::Secret(script.setting("token", ""));
  if (is_second(script, "mechanism", "xoauth2", "oauthbearer")) login.mechanism = config::Mechanism::oauthbearer;
  if (is_second(script, "tls", "implicit", "starttls")) login.tls = config::UpstreamTls::starttls;
  login.ehlo_word = script.setting("ehlo_word", "");
  login.host = script.setting("host", "");
  login.port = static_cast<std::uint16_t>(std::stoi(script.setting("port", "0")));
  return login;
}

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

class ClientSubject : public Subject {
 public:
  ClientSubject(const Script& script, MakeClientSide make) : dialogue_(make(client_side_settings(script))) {
    secrets_.add(script.setting("secret", ""));
    for (const auto& step : script.steps) {
      const auto* action = std::get_if<Action>(&step.what);
      if (action != nullptr && action->words.size() == 5 && action->words[0] == "attempt-login") {
        secrets_.add(action->words[4]);
      }
    }
  }

  void start() override {
    auto greeting = dialogue_->greet();
    if (greeting.empty()) fail("it waits to be spoken to");
    take(std::move(greeting));
  }
  void receive(std::string_view bytes) override { take(dialogue_->receive(bytes)); }
  std::string take_unread() override {
    const std::size_t size = dialogue_->unread_size();
    std::string unread(dialogue_->take_unread().reveal());
    if (unread.size() != size) fail("unread_size() was " + std::to_string(size) + " for " + escaped(unread));
    if (dialogue_->unread_size() != 0) fail("unread_size() is not 0 after take_unread()");
    return unread;
  }

  void happen(const Event& event) override {
    const auto& words = event.words;
    if (words[0] == "accepted" && words.size() == 1) {
      end_attempt();
      accepted_ = true;
      take(dialogue_->login_accepted());
    } else if (words[0] == "refused" && words.size() == 4) {
      end_attempt();
      take(dialogue_->login_refused(login_failure(words[1]), words[2], words[3]));
    } else if (words[0] == "tls-started" && words.size() == 1) {
      if (!starting_tls_) fail("tls-started without start-tls");
      starting_tls_ = false;
      take(dialogue_->tls_started());
    } else if (words[0] == "dismiss" && words.size() == 2) {
      take(dialogue_->dismiss(dismissal(words[1])));
    } else {
      fail("unknown event " + words[0]);
    }
  }

  int ways_to_cut() const override { return 4; }
  void cut(int way) override {
    if (way == 0 || closed_ || accepted_ || starting_tls_) return;  // the destructor is the test
    const auto actions = dialogue_->dismiss(static_cast<Dismissal>(way - 1));
    if (actions.empty()) fail("a dismissal gave nothing");
    for (const auto& action : actions) {
      const auto* close = std::get_if<Close>(&action);
      const bool is_last = &action == &actions.back();
      if (is_last && (close == nullptr || close->reason != CloseReason::dismissed)) fail("a dismissal must close");
      if (!is_last && !std::holds_alternative<Send>(action)) fail("a dismissal gave more than words and a close");
    }
    if (!dialogue_->receive("\r\nEHLO x\r\nCAPA\r\na1 NOOP\r\n").empty()) fail("it spoke after its close");
  }

 private:
  void end_attempt() {
    if (!attempting_) fail("no login is being attempted");
    attempting_ = false;
  }

  void take(ClientActions actions) {
    for (auto& action : actions) {
      if (closed_) fail("an action follows the close");
      if (attempting_ && !std::holds_alternative<Close>(action) && !std::holds_alternative<Send>(action)) {
        fail("an action while a login is being attempted");
      }
      std::visit(Overloaded{
                     [&](Send& send) {
                       if (send.bytes.empty()) fail("an empty Send");
                       if (send.holds == Holds::no_secret) secrets_.must_not_be_in(send.bytes, "an unmarked Send");
                       transcript_.bytes(send.bytes);
                     },
                     [&](StartTls&) {
                       starting_tls_ = true;
                       transcript_.action({"start-tls"});
                     },
                     [&](AttemptLogin& attempt) {
                       attempting_ = true;
                       transcript_.action({"attempt-login", std::string(name_of_mechanism(attempt.mechanism)),
                                           attempt.login, attempt.authzid, std::string(attempt.password.reveal())});
                     },
                     [&](LoginInClear& in_clear) {
                       attempting_ = true;
                       transcript_.action({"login-in-clear", in_clear.login});
                     },
                     [&](Close& close) {
                       closed_ = true;
                       transcript_.action({"close", std::string(name_of(close.reason))});
                     },
                 },
                 action);
    }
  }

  std::unique_ptr<ClientSide> dialogue_;
  Secrets secrets_;
  bool attempting_ = false;
  bool accepted_ = false;
  bool starting_tls_ = false;
  bool closed_ = false;
};

class ServerSubject : public Subject {
 public:
  ServerSubject(const Script& script, MakeServerSide make) : dialogue_(make(server_login(script))) {
    secrets_.add(script.setting("token", ""));
  }

  void start() override {}
  void receive(std::string_view bytes) override { take(dialogue_->receive(bytes)); }
  std::string take_unread() override { return dialogue_->take_unread(); }

  void happen(const Event& event) override {
    if (event.words == std::vector<std::string>{"tls-started"}) {
      if (!starting_tls_) fail("tls-started without start-tls");
      starting_tls_ = false;
      take(dialogue_->tls_started());
    } else if (event.words == std::vector<std::string>{"ended"}) {
      take(dialogue_->ended());
    } else {
      fail("unknown event " + event.words[0]);
    }
  }

  int ways_to_cut() const override { return 2; }
  void cut(int way) override {
    if (way == 0) return;  // the destructor is the test
    const bool was_over = over_;
    const auto actions = dialogue_->ended();
    if (was_over && !actions.empty()) fail("the server's end says something after the login's end");
    if (was_over) return;
    if (actions.size() != 1 || !std::holds_alternative<LoginRefused>(actions[0])) {
      fail("the server's end in mid-login must refuse the login, and no more");
    }
    const auto kind = std::get<LoginRefused>(actions[0]).kind;
    if (kind != RefusalKind::protocol && kind != RefusalKind::temporary && kind != RefusalKind::no_starttls) {
      fail("the server's end in mid-login gave " + std::string(name_of(kind)));
    }
  }

 private:
  void take(ServerActions actions) {
    for (auto& action : actions) {
      if (over_) fail("an action follows the end of the login");
      std::visit(Overloaded{
                     [&](Send& send) {
                       if (send.bytes.empty()) fail("an empty Send");
                       if (send.holds == Holds::no_secret) secrets_.must_not_be_in(send.bytes, "an unmarked Send");
                       transcript_.bytes(send.bytes);
                     },
                     [&](StartTls&) {
                       starting_tls_ = true;
                       transcript_.action({"start-tls"});
                     },
                     [&](LoggedIn&) {
                       over_ = true;
                       transcript_.action({"logged-in"});
                     },
                     [&](LoginRefused& refused) {
                       over_ = true;
                       secrets_.must_not_be_in(refused.words, "the server's words");
                       if (refused.words.size() > 256) fail("the server's words are too long");
                       if (!std::all_of(refused.words.begin(), refused.words.end(),
                                        [](char c) { return c >= ' ' && c <= '~'; })) {
                         fail("the server's words are not printable: " + escaped(refused.words));
                       }
                       transcript_.action({"refused", std::string(name_of(refused.kind)),
                                           std::to_string(refused.json_status), refused.words});
                     },
                 },
                 action);
    }
  }

  std::unique_ptr<ServerSide> dialogue_;
  Secrets secrets_;
  bool starting_tls_ = false;
  bool over_ = false;
};

}  // namespace

void Transcript::bytes(std::string_view sent) {
  if (entries_.empty() || entries_.back().is_action) entries_.push_back({});
  entries_.back().text += sent;
}

void Transcript::action(const std::vector<std::string>& words) {
  std::string text = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) text += " \"" + escaped(words[i]) + "\"";
  entries_.push_back({true, std::move(text)});
}

std::vector<std::string> Transcript::lines() const {
  std::vector<std::string> lines;
  for (const auto& entry : entries_) {
    if (entry.is_action) {
      lines.push_back("! " + entry.text);
      continue;
    }
    std::string_view rest = entry.text;
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size() - 1) + 1;
      lines.push_back("  " + escaped(rest.substr(0, end)));
      rest.remove_prefix(end);
    }
  }
  return lines;
}

std::unique_ptr<Subject> make_subject(const Script& script, MakeClientSide make) {
  return std::make_unique<ClientSubject>(script, make);
}

std::unique_ptr<Subject> make_subject(const Script& script, MakeServerSide make) {
  return std::make_unique<ServerSubject>(script, make);
}

}  // namespace saslift::dialogues
