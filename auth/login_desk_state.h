// The inside of LoginDesk, for its files: login_desk.cpp takes what comes in, login_desk_steps.cpp brings one
// login a step further, login_desk_gate.cpp holds it back where it must wait, login_desk_keeping.cpp keeps what
// must not be lost.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "auth/accounts.h"
#include "auth/decoys.h"
#include "auth/expiry_watch.h"
#include "auth/gate.h"
#include "auth/guesses.h"
#include "auth/host_names.h"
#include "auth/login_desk.h"
#include "auth/login_log.h"
#include "auth/open_login.h"
#include "auth/password_memo.h"
#include "auth/slots.h"
#include "auth/token_keeper.h"

namespace saslift::auth {

struct LoginDesk::State {
  struct RunningHash {
    LoginKey login;
    PasswordMemo::Digest digest{};
    std::string doom;                                 // not empty: refused whatever the hash says, for this reason
    std::optional<config::Secret> in_other_encoding;  // to try when this one differs
  };

  State(const config::Settings& configured, std::uint64_t seed);

  // What came in.
  void question(WorkerId worker, LoginQuestion asked, Instant now);
  void token_refused(WorkerId worker, const TokenRefused& report, Instant now);
  void withdrawn(WorkerId worker, const Withdrawn& report);
  void succeeded(WorkerId worker, const LoginSucceeded& report, Instant now);
  void died(WorkerId worker, const LoginDied& report);
  void ended(WorkerId worker, const SessionEnded& report);
  void said(WorkerId worker, const ServerSaid& report);
  void turned_away(const ClientsTurnedAway& report, Instant now);
  void old_tls(const OldTlsClient& report);
  void worker_gone(WorkerId worker);
  void hashed(HashId id, HashOutcome outcome, Instant now);
  void fetched(const TokenKey& key, FetchOutcome outcome, Instant now);
  void resolved(const std::string& host, ResolveOutcome outcome, Instant now);
  void tick(Instant now);

  // What is kept.
  void state_opened(OpenedState opened, Instant now);
  void saved(const SaveOutcome& outcome, Instant now);
  void sign_in(SignInId id, const SignIn& sign_in, Instant now);
  // After a change was settled.
  void settle(Instant now);
  void report_state();
  void watch_expiries(Instant now);

  // login_desk_reload.cpp
  void reload(const config::Settings& before, Instant now);
  void find_again(OpenLogin& login, const config::Settings& before, Instant now);
  void end_sessions(const std::function<bool(const LoggedInSession&)>& concerned, std::string_view reason);

  // Steps of one login; refuse() ends it, so that the reference is no longer valid.
  [[nodiscard]] std::string find_account(OpenLogin& login) const;
  void check_password(OpenLogin& login, config::Secret password, std::string doom, Instant now);
  // The second hash of a password beyond ASCII; false: there is none.
  [[nodiscard]] bool check_other_encoding(OpenLogin& login, RunningHash& hash);
  void admit(OpenLogin& login, Instant now);
  void gather(OpenLogin& login, Instant now);
  void grant(OpenLogin& login, const TokenInHand& token, HostKnown host);
  void measure_response(const OpenLogin& login, const Granted& granted);
  void refuse(OpenLogin& login, LoginFailure failure, const RefusalNote& note, Instant now);

  // The gate.
  // Views into the login.
  [[nodiscard]] static Guesses::Attempt attempt_of(const OpenLogin& login);
  [[nodiscard]] std::string find_trusted(OpenLogin& login) const;
  [[nodiscard]] std::string find_identity(OpenLogin& login) const;
  void password_was_right(OpenLogin& login, Instant now);
  void password_was_wrong(OpenLogin& login, const PasswordMemo::Digest& password, std::string detail, Instant now);
  void take_slot(OpenLogin& login, Instant now);
  void slot_came(OpenLogin& login, Instant now);
  // Ends the login; its hash is called off, its slot given back.
  void forget(const OpenLogin& login);
  void leave_slot(const LoginKey& key);
  void run_turns(Instant now);

  void answer_no(const OpenLogin& login, LoginFailure failure, const RefusalNote& note, Duration delay);
  void gather_all(Instant now, const std::function<bool(const OpenLogin&)>& concerns);
  [[nodiscard]] DeskActions take_actions(Instant now);

  const config::Settings* settings;
  Accounts accounts;
  Decoys decoys;
  PasswordMemo memo;
  RefreshTokens refresh_tokens;
  TokenKeeper tokens;
  HostNames hosts;
  Gate gate;
  MailboxNames names;
  Guesses guesses;
  Slots slots;
  TurnedAway turned_away_clients;
  std::vector<LoginKey> turns;  // got their slot when another gave it back
  std::vector<std::string> trust;

  std::map<LoginKey, OpenLogin> open;
  std::map<LoginKey, LoggedInSession> sessions;
  std::map<HashId, RunningHash> hashes;
  HashId last_hash = 0;
  std::map<SignInId, RefreshTokens::Change> sign_ins;  // wait for the disk
  StateHealth told_health = StateHealth::unused;
  ExpiryWatch expiry_watch;
  std::optional<Instant> next_look;  // of expiry_watch
  WallTime wall;
  std::uint64_t logins_succeeded = 0;
  std::uint64_t logins_refused = 0;
  std::uint64_t large_logins = 0;
  std::map<std::string, std::uint64_t> told_of_large_token;  // by identity
  std::uint64_t old_tls_clients = 0;
  DeskActions actions;
};

}  // namespace saslift::auth
