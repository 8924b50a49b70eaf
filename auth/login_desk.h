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
#include "auth/expiry_watch.h"
#include "auth/grants/grant.h"
#include "auth/log_event.h"
#include "auth/login.h"
#include "auth/refresh_tokens.h"
#include "auth/sign_in.h"
#include "auth/turned_away.h"
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
// Its login has ended: nobody waits for it any more, and hashed() need not be called.
struct CancelHash {
  HashId id = 0;
};
enum class HashOutcome : std::uint8_t { matches, differs, overloaded };

// Run one token exchange in a fetch process; report by fetched(). One at a time for each key.
struct FetchToken {
  TokenKey key;
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

struct AnswerSignIn {
  SignInId id = 0;
  SignInOutcome outcome;
};

// Have this session ended, whatever it does.
struct EndWorkerSession {
  WorkerId worker = 0;
  EndSession order;
};

using DeskAction = std::variant<HashPassword, CancelHash, FetchToken, ResolveHost, AnswerWorker, EndWorkerSession,
                                SaveState, AnswerSignIn, LogEvent>;
using DeskActions = std::vector<DeskAction>;

[[nodiscard]] std::size_t sessions_ended_by(const DeskActions& actions);

// For `saslift status`.
struct IdentityStatus {
  std::string name;
  std::optional<Duration> token_life_left;
  std::string last_error;      // empty: none since the last token
  std::string user;            // who signed in, where known
  std::string sign_in_needed;  // why; empty: it is not
  bool usable = true;          // it has a token, or nothing is known that keeps it from getting one now
  std::vector<Expiry> expiries;
};
struct DeskStatus {
  std::uint64_t sessions = 0;  // logged in
  std::uint64_t open_questions = 0;
  std::uint64_t logins_succeeded = 0;
  std::uint64_t logins_refused = 0;
  std::uint64_t large_logins = 0;   // POP3 responses over 4,096 bytes
  std::uint64_t slots_in_use = 0;   // connections at the providers
  std::uint64_t slots_waiting = 0;  // logins that wait for one
  TurnAwayCounts turned_away{};
  std::uint64_t old_tls_clients = 0;  // turned away for TLS that only legacy_tls would take
  std::vector<IdentityStatus> identities;
  StateStatus state;
  WallTime wall;  // by which expiries are counted
};

class LoginDesk {
 public:
  // Settings outlive the desk. The seed is that of the back-off's jitter; random by default.
  explicit LoginDesk(const config::Settings& settings, std::optional<std::uint64_t> jitter_seed = std::nullopt);
  ~LoginDesk();

  // LoginQuestion, TokenRefused, Withdrawn, LoginSucceeded, LoginDied, SessionEnded, ServerSaid, WorkerEvent,
  // ClientsTurnedAway, OldTlsClient.
  [[nodiscard]] DeskActions from_worker(WorkerId worker, FromWorker message, Instant now);
  // Ends its questions and sessions.
  [[nodiscard]] DeskActions worker_gone(WorkerId worker, Instant now);
  [[nodiscard]] DeskActions hashed(HashId id, HashOutcome outcome, Instant now);
  [[nodiscard]] DeskActions fetched(const TokenKey& key, FetchOutcome outcome, Instant now);
  [[nodiscard]] DeskActions resolved(const std::string& host, ResolveOutcome outcome, Instant now);
  // What was found on disk, once, where an identity lives on a refresh token.
  [[nodiscard]] DeskActions state_opened(OpenedState opened, Instant now);
  [[nodiscard]] DeskActions saved(const SaveOutcome& outcome, Instant now);
  // Answered by AnswerSignIn.
  [[nodiscard]] DeskActions sign_in(SignInId id, const SignIn& sign_in, Instant now);
  // Nothing would be lost by ending now: no reply with a refresh token is under way, none waits for the disk.
  [[nodiscard]] bool may_end() const;
  // For dates and signed assertions alone; nothing expires by it.
  void wall_clock(WallTime wall);
  // Deadlines, refreshing ahead, back-off: call at or after wake_at().
  [[nodiscard]] DeskActions tick(Instant now);
  [[nodiscard]] std::optional<Instant> wake_at() const;

  // The settings have been replaced in place; `before` is what they were, and nobody refers to it afterwards. Ends
  // the sessions of accounts that are gone or have another password or `allow`; keeps every token still good.
  [[nodiscard]] DeskActions reload(const config::Settings& before, Instant now);
  // Ends the sessions of one account.
  [[nodiscard]] DeskActions kick(std::string_view account);

  [[nodiscard]] DeskStatus status(Instant now) const;
  // The trust stores that Granted::trust indexes, in order; for Configure.
  [[nodiscard]] static std::vector<std::string> trust_files(const config::Settings& settings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace saslift::auth
