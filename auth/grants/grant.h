// A grant turns an identity into a request for a token, and the reply into a token or an error. Pure.
// One file a grant; this header is what they share.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/clock.h"
#include "auth/grants/token_request.h"
#include "config/secret.h"
#include "config/settings.h"

namespace saslift::auth {

// Whose a token is: an identity's, and with a grant that acts for one mailbox at a time (service_account) that
// mailbox's. No token serves another key.
struct TokenKey {
  std::string identity;
  std::string subject;  // the mailbox; empty: the grant names none

  friend auto operator<=>(const TokenKey&, const TokenKey&) = default;
};

// What a request is made of besides the identity.
struct TokenQuery {
  std::string_view subject;                       // as in TokenKey
  const config::Secret* refresh_token = nullptr;  // of a grant that lives on one
  std::chrono::system_clock::time_point now;      // for the times in a signed assertion
};

// Who answers: a provider, whose statuses say little, or the platform that hands out managed identities, whose
// statuses alone say whether to ask again (EXCHANGE 1.10).
enum class Answerer : std::uint8_t { provider, platform };

// What came back over HTTP, whatever the status.
struct TokenReply {
  int status = 0;
  std::optional<Duration> retry_after;
  std::string trace_id;                             // x-ms-request-id, for the log
  std::string correlation_id;                       // client-request-id, for the log
  config::Secret body;                              // at most 64 KiB
  std::chrono::system_clock::time_point received;   // by the wall clock: "expires_on" is a date
  std::optional<std::chrono::seconds> clock_ahead;  // our wall clock, of the reply's Date; nullopt: it has none
  Answerer answerer = Answerer::provider;
};

// Nothing usable came back.
enum class FetchFailure : std::uint8_t {
  unreachable,
  tls,
  timeout,
  too_long,
  died,
  no_assertion,  // the file or key that it takes cannot be used
  command_failed,
};
struct FetchError {
  FetchFailure kind = FetchFailure::unreachable;
  std::string detail;
};

using FetchOutcome = std::expected<TokenReply, FetchError>;

struct Token {
  config::Secret access_token;
  Duration life{3'600'000};      // from before the request
  config::Secret refresh_token;  // empty: none came, the old one stays good (RFC 6749 section 6)
  std::string user;              // who signed in, as the reply's ID or access token says; empty: it does not
};

enum class TokenErrorKind : std::uint8_t {
  permanent,  // the JSON "error" says that asking again is no use: invalid_client, invalid_grant...
  temporary,
};
struct TokenError {
  TokenErrorKind kind = TokenErrorKind::temporary;
  std::string error;        // the JSON "error", or a name of our own: "not_json", "too_long", "timeout"
  std::string description;  // the provider's, printable, at most 512 bytes; for the log alone
  std::string correlation_id;
  std::optional<Duration> retry_after;
  std::string trace_id;
};

using TokenOutcome = std::expected<Token, TokenError>;

inline constexpr std::size_t largest_token_reply = 64 * 1024;

// By the identity's `grant`.
[[nodiscard]] TokenRequest request_token(const config::Identity& identity, const config::Service& service,
                                         const TokenQuery& query);
[[nodiscard]] TokenOutcome read_reply(FetchOutcome outcome);

}  // namespace saslift::auth
