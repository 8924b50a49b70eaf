#include "auth/accounts.h"

#include <algorithm>

#include "auth/login_names.h"

namespace saslift::auth {
namespace {

constexpr std::size_t longest_login = 1024;

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

// What stands behind the one "@" of an address; empty: it is none that a wildcard could stand for.
std::string_view domain_of(std::string_view login) {
  const std::size_t at = login.find('@');
  if (at == std::string_view::npos || at == 0 || login.find('@', at + 1) != std::string_view::npos) return {};
  if (login.find_first_of(" *\\/") != std::string_view::npos) return {};
  return login.substr(at + 1);
}

// Of those the account may open: the one of this address, or the only one with this local part; empty: none.
std::string shared_mailbox(const config::Account& account, std::string_view wanted) {
  std::string found;
  for (const std::string& mailbox : account.shared) {
    const std::string key = folded(mailbox);
    if (key == wanted) return mailbox;
    if (std::string_view(key).substr(0, key.find('@')) != wanted) continue;
    if (!found.empty()) return {};
    found = mailbox;
  }
  return found;
}

}  // namespace

Accounts::Accounts(const config::Settings& settings) {
  for (const auto& [name, account] : settings.accounts) {
    for (const std::string& login : account.logins) {
      const std::string key = folded(login);
      if (key.starts_with("*@")) {
        by_domain_.emplace(key.substr(2), &account);
      } else {
        exact_.emplace(key, &account);
      }
    }
    for (const config::IpAddress& address : account.trusted) by_trusted_address_.emplace(address, &account);
  }
}

const config::Account* Accounts::account_of(std::string_view folded_user) const {
  if (const auto found = exact_.find(folded_user); found != exact_.end()) return found->second;
  const std::string_view domain = domain_of(folded_user);
  if (domain.empty()) return nullptr;
  const auto wildcard = by_domain_.find(domain);
  return wildcard != by_domain_.end() ? wildcard->second : nullptr;
}

std::optional<AccountMatch> Accounts::find(std::string_view login) const {
  const std::string key = folded(login);
  std::optional<AccountMatch> flawed;
  for (const LoginReading& reading : readings_of(key)) {
    const config::Account* account = account_of(reading.user);
    if (account == nullptr) continue;
    AccountMatch match{.account = account, .mailbox = {}, .kind = MailboxKind::own, .flaw = {}};
    if (reading.shared.empty()) {
      match.mailbox = account->mailbox.empty() ? std::string(reading.user) : account->mailbox;
    } else {
      match.kind = MailboxKind::shared;
      match.mailbox = shared_mailbox(*account, reading.shared);
      if (match.mailbox.empty()) match.flaw = "the account's shared does not list this mailbox";
    }
    // XOAUTH2: a control character would end the user field and start another (FAULTS 1).
    if (has_control_character(match.mailbox)) return std::nullopt;
    if (match.flaw.empty()) return match;
    if (!flawed) flawed = std::move(match);
  }
  return flawed;
}

const config::Account* Accounts::trusting(std::string_view client_address) const {
  const auto address = config::IpAddress::parse(client_address);
  const auto found = address ? by_trusted_address_.find(*address) : by_trusted_address_.end();
  return found != by_trusted_address_.end() ? found->second : nullptr;
}

std::string folded(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::string_view flaw_of_login(std::string_view login) {
  if (login.empty()) return "the login is empty";
  if (has_control_character(login)) return "the login has a character that is not allowed";
  if (login.size() > longest_login) return "the login is too long";
  return {};
}

bool address_allowed(const config::Account& account, std::string_view client_address) {
  if (account.allow.empty()) return true;
  const auto address = config::IpAddress::parse(client_address);
  return address && std::any_of(account.allow.begin(), account.allow.end(),
                                [&](const config::Network& network) { return network.contains(*address); });
}

bool protocol_allowed(const config::Account& account, config::Protocol protocol) {
  return std::find(account.protocols.begin(), account.protocols.end(), protocol) != account.protocols.end();
}

bool authzid_allowed(const AuthzidClaim& claim) {
  if (claim.authzid.empty()) return true;
  const std::string authzid = folded(claim.authzid);
  return authzid == folded(claim.login) || authzid == folded(claim.mailbox);
}

}  // namespace saslift::auth
