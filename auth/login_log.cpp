#include "auth/login_log.h"

namespace saslift::auth {
namespace {

void add(LogEvent& event, const char* name, std::string_view text) {
  if (!text.empty()) event.fields.emplace_back(name, std::string(text));
}

void add(LogEvent& event, const char* name, std::integral auto number) {
  event.fields.emplace_back(name, static_cast<std::int64_t>(number));
}

void add_seconds(LogEvent& event, const char* name, Duration duration) {
  add(event, name, std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

void add_who(LogEvent& event, const OpenLogin& login) {
  add(event, "session", reference_of(login.key.session));
  add(event, "protocol", config::name_of(login.protocol));
  add(event, "client", login.client_address);
  if (login.account != nullptr) add(event, "account", login.account->name);
  add(event, "login", login.account != nullptr ? login.login : loggable(login.login));
  if (login.identity != nullptr) add(event, "identity", login.identity->name);
  add(event, "mailbox", login.mailbox);
  add(event, "tls", login.tls == ClientTls::active ? "active" : "none");
  add(event, "mechanism", name_of(login.mechanism));
}

void add_who(LogEvent& event, const LoggedInSession& session) {
  add(event, "account", session.account);
  add(event, "login", session.login);
  add(event, "identity", session.identity);
  add(event, "mailbox", session.mailbox);
}

void add_note(LogEvent& event, const RefusalNote& note) {
  add(event, "detail", note.detail);
  add(event, "trace_id", note.trace_id);
  add(event, "correlation_id", note.correlation_id);
  if (!note.remedy) return;
  add(event, "cause", note.remedy->cause);
  add(event, "remedy", note.remedy->next_step);
}

void add_phases(LogEvent& event, const PhaseTimes& times) {
  add(event, "keeper_ms", times.keeper);
  add(event, "connect_ms", times.connect);
  add(event, "login_ms", times.login);
}

LogEvent refusal(const OpenLogin& login, LoginFailure failure, const RefusalNote& note) {
  LogEvent event{.level = config::LogLevel::warning, .event = "login_refused", .fields = {}};
  add_who(event, login);
  add(event, "reason", name_of(failure));
  add_note(event, note);
  return event;
}

}  // namespace

RefusalNote plain_note(std::string detail) {
  return {.detail = std::move(detail), .correlation_id = {}, .remedy = std::nullopt, .server_words = {}};
}

RefusalNote note_of(const TokenError& error) {
  return {.detail = error.description.empty() ? error.error : error.error + ": " + error.description,
          .correlation_id = error.correlation_id,
          .remedy = remedy_for(error),
          .server_words = {},
          .trace_id = error.trace_id};
}

RefusalNote note_of_server(std::string_view server_words) {
  return {.detail = std::string(server_words),
          .correlation_id = {},
          .remedy = remedy_for(server_words),
          .server_words = std::string(server_words)};
}

LogEvent login_refused(const OpenLogin& login, LoginFailure failure, const RefusalNote& note, Duration took) {
  LogEvent event = refusal(login, failure, note);
  add(event, "milliseconds", took.count());
  return event;
}

LogEvent login_died(const OpenLogin& login, const LoginDied& report) {
  LogEvent event = refusal(login, report.failure, note_of_server(report.detail));
  add_phases(event, report.times);
  return event;
}

LogEvent login_succeeded(const OpenLogin& login, const LoginSucceeded& report, Instant now) {
  LogEvent event{.level = config::LogLevel::info, .event = "login_succeeded", .fields = {}};
  add_who(event, login);
  const bool xoauth2 = login.identity == nullptr || login.identity->provider.mechanism == config::Mechanism::xoauth2;
  add(event, "upstream", xoauth2 ? "xoauth2 succeeded" : "oauthbearer succeeded");
  if (const auto* trying = std::get_if<TryingServer>(&login.phase))
    add_seconds(event, "token_life_seconds", trying->token_ends - now);
  if (login.named == MailboxName::upn) add(event, "upn", login.upn);
  add(event, "user", login.user);
  add_phases(event, report.times);
  return event;
}

LogEvent response_too_long(const OpenLogin& login, std::size_t size) {
  LogEvent event{.level = config::LogLevel::warning, .event = "token_too_long_for_pop3", .fields = {}};
  add_who(event, login);
  add(event, "bytes", size);
  add(event, "cause", "the token makes a login line of more than 4096 characters, which Exchange refuses on POP3");
  add(event, "remedy", "give the app fewer permissions, so that its tokens are shorter");
  return event;
}

LogEvent login_withdrawn(const OpenLogin& login) {
  LogEvent event{.level = config::LogLevel::info, .event = "login_withdrawn", .fields = {}};
  add_who(event, login);
  add(event, "reason", "the client left before its answer");
  return event;
}

LogEvent session_ended(const SessionEnded& report, const LoggedInSession* session) {
  LogEvent event{.level = config::LogLevel::info, .event = "session_ended", .fields = {}};
  add(event, "session", reference_of(report.session));
  add(event, "protocol", config::name_of(report.protocol));
  add(event, "client", report.client_address);
  if (session != nullptr) add_who(event, *session);
  add(event, "reason", report.reason);
  add(event, "bytes_up", report.bytes_up);
  add(event, "bytes_down", report.bytes_down);
  add(event, "milliseconds", report.milliseconds);
  return event;
}

LogEvent server_said(const ServerSaid& report, const LoggedInSession* session) {
  // A token's end is every hour's; the rest wants somebody to act.
  const bool usual = tells_token_expiry(report.words);
  LogEvent event{
      .level = usual ? config::LogLevel::info : config::LogLevel::warning, .event = "server_refused", .fields = {}};
  add(event, "session", reference_of(report.session));
  add(event, "protocol", config::name_of(report.protocol));
  if (session != nullptr) add_who(event, *session);
  add_note(event, note_of_server(report.words));
  return event;
}

LogEvent session_lost(SessionId session, const LoggedInSession& lost) {
  LogEvent event{.level = config::LogLevel::warning, .event = "session_ended", .fields = {}};
  add(event, "session", reference_of(session));
  add_who(event, lost);
  add(event, "reason", "worker_gone");
  return event;
}

LogEvent token_fetch_ended(const TokenKey& key, const FetchReport& report) {
  LogEvent event;
  if (report.error) {
    const bool permanent = report.error->kind == TokenErrorKind::permanent;
    event.level = permanent ? config::LogLevel::error : config::LogLevel::warning;
    event.event = "token_fetch_failed";
    add(event, "identity", key.identity);
    add(event, "mailbox", key.subject);
    add(event, "reason", report.error->error);
    RefusalNote note = note_of(*report.error);
    note.detail = report.error->description;
    add_note(event, note);
    add(event, "suspicion", report.suspicion);
    add_seconds(event, "pause_seconds", report.pause);
  } else {
    event.level = config::LogLevel::info;
    event.event = "token_fetched";
    add(event, "identity", key.identity);
    add(event, "mailbox", key.subject);
    add(event, "token", report.fingerprint);
    add_seconds(event, "token_life_seconds", report.life_left.value_or(Duration(0)));
  }
  add(event, "milliseconds", report.took.count());
  return event;
}

std::optional<LogEvent> clock_differs(const TokenKey& key, const FetchOutcome& outcome) {
  constexpr std::chrono::minutes tolerated{5};
  if (!outcome || !outcome->clock_ahead || std::chrono::abs(*outcome->clock_ahead) <= tolerated) return std::nullopt;
  LogEvent event{.level = config::LogLevel::warning, .event = "clock_differs", .fields = {}};
  add(event, "identity", key.identity);
  add(event, "seconds_ahead", std::int64_t{outcome->clock_ahead->count()});
  add(event, "cause", "this machine's clock is not the token endpoint's, which refuses assertions signed by it");
  add(event, "remedy", "let this machine set its clock by NTP");
  return event;
}

LogEvent host_lookup_failed(const std::string& host, const std::string& detail) {
  LogEvent event{.level = config::LogLevel::warning, .event = "host_lookup_failed", .fields = {}};
  add(event, "host", host);
  add(event, "detail", detail);
  add(event, "remedy", "check name resolution on this machine and the provider's host");
  return event;
}

LogEvent old_tls_client(const OldTlsClient& report) {
  LogEvent made{.level = config::LogLevel::warning, .event = "old_tls_refused", .fields = {}};
  add(made, "session", reference_of(report.session));
  add(made, "listener", report.listener);
  add(made, "client", report.client_address);
  add(made, "detail", "client offers " + report.offers + "; see legacy_tls");
  return made;
}

LogEvent worker_event(WorkerEvent event) {
  LogEvent made{.level = event.level, .event = std::move(event.event), .fields = {}};
  if (event.session != 0) add(made, "session", reference_of(event.session));
  for (auto& [name, value] : event.fields) made.fields.emplace_back(std::move(name), std::move(value));
  return made;
}

}  // namespace saslift::auth
