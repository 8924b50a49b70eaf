// The keeper's mind: takes what workers, password hashing, token fetches and name look-ups report, with the
// time, and returns what to do. Pure; the keeper process does the doing. Composes accounts, password memo,
// token_keeper and remedies; owns every open question.
//
// A question lives at most its deadline (login_timeout less a margin for the worker): whatever is still
// missing then, it is answered.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "auth/clock.h"
#include "auth/grants/grant.h"
#include "auth/log_event.h"
#include "auth/login.h"
#include "config/settings.h"

namespace saslift::auth {

using WorkerId = std::uint32_t;
using HashId = std::uint64_t;

// Verify a password off the loop; report by hashed().
struct HashPassword {
  HashId id = 0;
  std::string phc;  // argon2id
  config::Secret password;
};
enum class HashOutcome : std::uint8_t { matches, differs, overloaded };

// Run one token exchange in a fetch process; report by fetched(). One at a time for each identity.
struct FetchToken {
  std::string identity;
  TokenRequest request;
};

// Look a host name up; report by resolved(). One at a time for each host; caching is the desk's.
struct ResolveHost {
  std::string host;
};
struct ResolveError {
  std::string detail;
};
using ResolveOutcome = std::expected<std::vector<std::string>, ResolveError>;

struct AnswerWorker {
  WorkerId worker = 0;
  LoginAnswer answer;
};

using DeskAction = std::variant<HashPassword, FetchToken, ResolveHost, AnswerWorker, LogEvent>;
using DeskActions = std::vector<DeskAction>;

// For `saslift status`.
struct IdentityStatus {
  std::string name;
  std::optional<Duration> token_life_left;
  std::string last_error;  // empty: none since the last token
};
struct DeskStatus {
  std::uint64_t sessions = 0;  // logged in
  std::uint64_t open_questions = 0;
  std::uint64_t logins_succeeded = 0;
  std::uint64_t logins_refused = 0;
  std::uint64_t large_logins = 0;  // POP3 responses over 4,096 bytes
  std::vector<IdentityStatus> identities;
};

class LoginDesk {
 public:
  // Settings outlive the desk. The seed is that of the back-off's jitter; random by default.
  explicit LoginDesk(const config::Settings& settings, std::optional<std::uint64_t> jitter_seed = std::nullopt);
  ~LoginDesk();

  // LoginQuestion, TokenRefused, Withdrawn, LoginSucceeded, LoginDied, SessionEnded, ServerSaid,
  // WorkerEvent.
  [[nodiscard]] DeskActions from_worker(WorkerId worker, FromWorker message, Instant now);
  // Ends its questions and sessions.
  [[nodiscard]] DeskActions worker_gone(WorkerId worker, Instant now);
  [[nodiscard]] DeskActions hashed(HashId id, HashOutcome outcome, Instant now);
  [[nodiscard]] DeskActions fetched(const std::string& identity, FetchOutcome outcome, Instant now);
  [[nodiscard]] DeskActions resolved(const std::string& host, ResolveOutcome outcome, Instant now);
  // Deadlines, refreshing ahead, back-off: call at or after wake_at().
  [[nodiscard]] DeskActions tick(Instant now);
  [[nodiscard]] std::optional<Instant> wake_at() const;

  [[nodiscard]] DeskStatus status(Instant now) const;
  // The trust stores that Granted::trust indexes, in order; for Configure.
  [[nodiscard]] static std::vector<std::string> trust_files(const config::Settings& settings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace saslift::auth
