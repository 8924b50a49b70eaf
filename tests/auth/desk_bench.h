// A LoginDesk on a bench: a hand clock, the answers of hashing, fetching and looking up given by hand, and
// everything it ordered kept for inspection.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/login_desk.h"
#include "catch.h"
#include "settings_for_tests.h"

namespace saslift::tests {

class DeskBench {
 public:
  explicit DeskBench(config::Settings made = make_settings()) : settings(std::move(made)) {}

  static auth::LoginQuestion question(auth::SessionId session, const std::string& login = "scanner",
                                      const std::string& password = "canary-password") {
    auth::LoginQuestion asked;
    asked.session = session;
    asked.protocol = config::Protocol::imap;
    asked.mechanism = auth::ClientMechanism::sasl_plain;
    asked.client_address = "127.0.0.1";
    asked.login = login;
    asked.password = config::Secret(password);
    return asked;
  }

  void tell(auth::FromWorker message, auth::WorkerId worker = 1) {
    take(desk.from_worker(worker, std::move(message), now));
  }
  void ask(auth::SessionId session, const std::string& login = "scanner") { tell(question(session, login)); }
  // Reports on the oldest hash under way.
  void hash(auth::HashOutcome outcome = auth::HashOutcome::matches) {
    REQUIRE_FALSE(hashes.empty());
    const auth::HashId id = hashes.front().id;
    hashes.erase(hashes.begin());
    take(desk.hashed(id, outcome, now));
  }
  void fetched(std::string_view body, int status = 200, const std::string& identity = "office",
               std::optional<std::chrono::seconds> clock_ahead = std::nullopt) {
    auth::TokenReply reply;
    reply.status = status;
    reply.clock_ahead = clock_ahead;
    reply.body = config::Secret(body);
    take(desk.fetched({.identity = identity, .subject = {}}, std::move(reply), now));
  }
  void token(const std::string& text = "canary-token", int life = 3600, const std::string& identity = "office") {
    fetched(R"({"access_token":")" + text + R"(","expires_in":)" + std::to_string(life) + "}", 200, identity);
  }
  void resolved(std::vector<std::string> addresses = {"192.0.2.1"}, const std::string& host = "imap.example") {
    take(desk.resolved(host, std::move(addresses), now));
  }
  void lookup_failed(const std::string& host = "imap.example") {
    take(desk.resolved(host, std::unexpected(auth::ResolveError{"SERVFAIL"}), now));
  }
  void state_opened(auth::OpenedState state) { take(desk.state_opened(std::move(state), now)); }
  void sign_in(auth::SignInId id, const auth::SignIn& brought) { take(desk.sign_in(id, brought, now)); }
  void saved(const auth::SaveOutcome& outcome = {}) { take(desk.saved(outcome, now)); }
  void tick() { take(desk.tick(now)); }
  void reload(config::Settings next) {
    const config::Settings before = std::exchange(settings, std::move(next));
    take(desk.reload(before, now));
  }
  void kick(std::string_view account) { take(desk.kick(account)); }
  void gone(auth::WorkerId worker) { take(desk.worker_gone(worker, now)); }
  // Lets time pass, with every alarm on the way rung.
  void pass(auth::Duration time) {
    const auth::Instant until = now + time;
    for (int rings = 0; rings < 1000; ++rings) {
      const auto wake = desk.wake_at();
      if (!wake || *wake > until) break;
      now = std::max(now, *wake);
      tick();
    }
    now = until;
  }
  // The whole way to a login that has succeeded.
  void log_in(auth::SessionId session, const std::string& login = "scanner") {
    ask(session, login);
    if (!hashes.empty()) hash();
    if (!fetches.empty()) {
      fetches.clear();
      token();
    }
    if (!lookups.empty()) {
      lookups.clear();
      resolved();
    }
    const auth::Granted* given = granted(session);
    REQUIRE(given != nullptr);
    tell(auth::LoginSucceeded{.session = session, .token_id = given->token_id, .times = {1, 2, 3}});
  }

  // A login whose password is right; its token and addresses come as they come.
  void log_in_as_it_comes(auth::SessionId session, const std::string& login = "scanner") {
    ask(session, login);
    if (!hashes.empty()) hash();
    answer_lookups();
  }
  void answer_lookups() {
    if (lookups.empty()) return;
    lookups.clear();
    resolved();
  }
  std::size_t answers_granted() const {
    return static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(), [](const auto& given) {
      return std::holds_alternative<auth::Granted>(given.answer);
    }));
  }

  // The last answer to a session.
  const auth::LoginAnswer* answer(auth::SessionId session) const {
    const auto is_it = [&](const auth::AnswerWorker& given) {
      return std::visit([&](const auto& one) { return one.session == session; }, given.answer);
    };
    const auto found = std::find_if(answers.rbegin(), answers.rend(), is_it);
    return found != answers.rend() ? &found->answer : nullptr;
  }
  const auth::Granted* granted(auth::SessionId session) const {
    const auto* given = answer(session);
    return given != nullptr ? std::get_if<auth::Granted>(given) : nullptr;
  }
  const auth::Denied* denied(auth::SessionId session) const {
    const auto* given = answer(session);
    return given != nullptr ? std::get_if<auth::Denied>(given) : nullptr;
  }
  std::string failure(auth::SessionId session) const {
    const auto* given = denied(session);
    return given != nullptr ? std::string(name_of(given->failure)) : "";
  }
  std::size_t count(std::string_view event) const {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const auth::LogEvent& one) { return one.event == event; }));
  }
  // A field of the last such event, as text.
  std::string logged(std::string_view event, std::string_view field) const {
    const auto found = std::find_if(log.rbegin(), log.rend(), [&](const auto& one) { return one.event == event; });
    if (found == log.rend()) return "no such event";
    for (const auto& [name, value] : found->fields)
      if (name == field) return text_of(value);
    return "";
  }
  // Everything that reached the log or a client, to look for canaries in.
  std::string everything_told() const {
    std::string all;
    for (const auth::LogEvent& event : log) {
      all += event.event + '\n';
      for (const auto& [name, value] : event.fields) all += name + '=' + text_of(value) + '\n';
    }
    for (const auth::AnswerWorker& given : answers)
      if (const auto* no = std::get_if<auth::Denied>(&given.answer)) all += no->sentence + '\n';
    for (const auth::IdentityStatus& identity : desk.status(now).identities) all += identity.last_error + '\n';
    return all;
  }

  config::Settings settings;
  auth::LoginDesk desk{settings, 42};
  auth::Instant now = start();

  std::vector<auth::HashPassword> hashes;
  std::vector<auth::HashId> cancelled;
  std::vector<auth::FetchToken> fetches;
  std::vector<std::string> lookups;
  std::vector<auth::AnswerWorker> answers;
  std::vector<auth::SaveState> saves;
  std::vector<auth::AnswerSignIn> sign_ins;
  std::vector<auth::EndWorkerSession> ends;
  std::vector<auth::LogEvent> log;

 private:
  static std::string text_of(const auth::LogValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return std::to_string(std::get<std::int64_t>(value));
  }
  void take(auth::DeskActions actions) {
    for (auth::DeskAction& action : actions) {
      if (auto* one = std::get_if<auth::HashPassword>(&action)) hashes.push_back(std::move(*one));
      if (auto* one = std::get_if<auth::CancelHash>(&action)) cancelled.push_back(one->id);
      if (auto* one = std::get_if<auth::FetchToken>(&action)) fetches.push_back(std::move(*one));
      if (auto* one = std::get_if<auth::ResolveHost>(&action)) lookups.push_back(std::move(one->host));
      if (auto* one = std::get_if<auth::AnswerWorker>(&action)) answers.push_back(std::move(*one));
      if (auto* one = std::get_if<auth::SaveState>(&action)) saves.push_back(std::move(*one));
      if (auto* one = std::get_if<auth::AnswerSignIn>(&action)) sign_ins.push_back(std::move(*one));
      if (auto* one = std::get_if<auth::EndWorkerSession>(&action)) ends.push_back(std::move(*one));
      if (auto* one = std::get_if<auth::LogEvent>(&action)) log.push_back(std::move(*one));
    }
  }
};

}  // namespace saslift::tests
