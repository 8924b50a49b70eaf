// One login from its question to the worker's report on it. Each phase owns what that phase needs.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>

#include "auth/accounts.h"
#include "auth/clock.h"
#include "auth/gate.h"
#include "auth/login.h"
#include "auth/mailbox_names.h"
#include "auth/token_keeper.h"
#include "config/settings.h"

namespace saslift::auth {

struct LoginKey {
  std::uint32_t worker = 0;
  SessionId session = 0;
  friend auto operator<=>(const LoginKey&, const LoginKey&) = default;
};

// argon2id is at work off the loop.
struct CheckingPassword {
  std::uint64_t hash = 0;
};

// The password was right, and whoever sent it has guessed before: the yes takes as long as a no.
struct HeldBack {
  Instant until;
};

// Its mailbox has all the connections that the provider allows.
struct AwaitingSlot {
  Instant until;
};

// The password was right; a token and the server's addresses are on their way.
struct Gathering {
  Instant token_until;
  std::uint64_t newer_than = 0;  // not 0: the second try, after the server refused this token
  Instant wake;
};

// Granted; the worker talks to the server.
struct TryingServer {
  std::uint64_t token_id = 0;
  Instant token_ends;
};

struct OpenLogin {
  LoginKey key;
  config::Protocol protocol = config::Protocol::imap;
  ClientMechanism mechanism = ClientMechanism::login_command;
  ClientTls tls = ClientTls::none;
  std::string client_address;
  std::string login;
  std::string folded_login;
  std::string authzid;

  // Of the account found; nullptr and empty while there is none.
  const config::Account* account = nullptr;
  const config::Identity* identity = nullptr;
  const config::Endpoint* endpoint = nullptr;
  std::string mailbox;
  MailboxKind mailbox_kind = MailboxKind::own;
  std::string upn;   // its other name; empty: it has none
  std::string user;  // named to the server whatever the mailbox is called; empty: the mailbox (auth/upstream_user.h)
  MailboxName named = MailboxName::address;
  int tries = 0;                // how often it was granted
  std::string guessed_account;  // its name and mailbox: what guesses are counted for

  Instant asked_at;
  Instant deadline;
  std::variant<CheckingPassword, HeldBack, AwaitingSlot, Gathering, TryingServer> phase;

  // Whose token it takes; there is an identity.
  [[nodiscard]] TokenKey token_key() const;
  [[nodiscard]] TokenUse token_use(std::uint64_t token_id) const;
  [[nodiscard]] MailboxDoor door() const {
    return {.identity = identity != nullptr ? identity->name : "",
            .mailbox = user.empty() ? mailbox : user,
            .protocol = protocol};
  }
  [[nodiscard]] const std::string& upstream_name() const {
    if (!user.empty()) return user;
    return named == MailboxName::upn ? upn : mailbox;
  }
};

// After login, for the lines about it.
struct LoggedInSession {
  std::string account;
  std::string login;
  std::string identity;
  std::string mailbox;
  bool has_upn = false;
  MailboxName named = MailboxName::address;
};

}  // namespace saslift::auth
