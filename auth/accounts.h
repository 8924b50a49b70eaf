// Login name, protocol and client address -> account and mailbox. Case does not matter (ASCII); an exact
// login wins over a wildcard, the name as it stands over its parts (login_names.h). Refers to the settings it was
// made from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/network.h"
#include "config/settings.h"

namespace saslift::auth {

enum class MailboxKind : std::uint8_t { own, shared };

struct AccountMatch {
  const config::Account* account = nullptr;
  std::string mailbox;
  MailboxKind kind = MailboxKind::own;
  std::string_view flaw;  // not empty: this account, but nobody gets in by this name, for this reason
};

class Accounts {
 public:
  explicit Accounts(const config::Settings& settings);

  [[nodiscard]] std::optional<AccountMatch> find(std::string_view login) const;
  // The account that may be used from there without a login.
  [[nodiscard]] const config::Account* trusting(std::string_view client_address) const;

 private:
  [[nodiscard]] const config::Account* account_of(std::string_view folded_user) const;

  std::map<std::string, const config::Account*, std::less<>> exact_;
  std::map<std::string, const config::Account*, std::less<>> by_domain_;  // wildcards
  std::map<config::IpAddress, const config::Account*> by_trusted_address_;
};

[[nodiscard]] std::string folded(std::string_view text);

// Why this login can be nobody's, for the log; empty: it is well formed.
[[nodiscard]] std::string_view flaw_of_login(std::string_view login);
[[nodiscard]] bool address_allowed(const config::Account& account, std::string_view client_address);
[[nodiscard]] bool protocol_allowed(const config::Account& account, config::Protocol protocol);

struct AuthzidClaim {
  std::string_view authzid;
  std::string_view login;
  std::string_view mailbox;
};
// Empty, or equal to the login or its mailbox.
[[nodiscard]] bool authzid_allowed(const AuthzidClaim& claim);

}  // namespace saslift::auth
