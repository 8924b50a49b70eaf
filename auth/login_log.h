// The log's lines about logins and tokens. One line for each outcome; secrets have no way in.
#pragma once

#include <string>

#include "auth/log_event.h"
#include "auth/login.h"
#include "auth/open_login.h"
#include "auth/remedies.h"
#include "auth/token_keeper.h"

namespace saslift::auth {

// Why a login was refused, beyond the LoginFailure.
struct RefusalNote {
  std::string detail;
  std::string correlation_id;
  std::optional<Remedy> remedy;
  std::string server_words;  // where the mail server refused
  std::string trace_id;
};

[[nodiscard]] RefusalNote plain_note(std::string detail);
[[nodiscard]] RefusalNote note_of(const TokenError& error);
[[nodiscard]] RefusalNote note_of_server(std::string_view server_words);

[[nodiscard]] LogEvent login_refused(const OpenLogin& login, LoginFailure failure, const RefusalNote& note,
                                     Duration took);
[[nodiscard]] LogEvent login_died(const OpenLogin& login, const LoginDied& report);
[[nodiscard]] LogEvent login_succeeded(const OpenLogin& login, const LoginSucceeded& report, Instant now);
[[nodiscard]] LogEvent response_too_long(const OpenLogin& login, std::size_t size);
[[nodiscard]] LogEvent login_withdrawn(const OpenLogin& login);
// `session` is nullptr for one that never logged in, here and below.
[[nodiscard]] LogEvent session_ended(const SessionEnded& report, const LoggedInSession* session);
[[nodiscard]] LogEvent server_said(const ServerSaid& report, const LoggedInSession* session);
[[nodiscard]] LogEvent session_lost(SessionId session, const LoggedInSession& lost);
[[nodiscard]] LogEvent token_fetch_ended(const TokenKey& key, const FetchReport& report);
// nullopt: our clock and the token endpoint's agree, by five minutes as signed assertions need.
[[nodiscard]] std::optional<LogEvent> clock_differs(const TokenKey& key, const FetchOutcome& outcome);
[[nodiscard]] LogEvent host_lookup_failed(const std::string& host, const std::string& detail);
[[nodiscard]] LogEvent old_tls_client(const OldTlsClient& report);
[[nodiscard]] LogEvent worker_event(WorkerEvent event);

}  // namespace saslift::auth
