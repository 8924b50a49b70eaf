#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "config/password_hash.h"
#include "config/providers.h"
#include "config/sections.h"
#include "config/suggestions.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

// Above what any directory allows (local part 64, domain 253).
constexpr std::size_t longest_login = 320;

constexpr Word<RewriteFrom> rewrite_words[] = {
    {"no", RewriteFrom::no}, {"envelope", RewriteFrom::envelope}, {"both", RewriteFrom::both}};

struct LoginOwner {
  std::string account;
  unsigned line;
};
using LoginOwners = std::map<std::string, LoginOwner>;
using AddressOwners = std::map<IpAddress, LoginOwner>;

bool is_wildcard(std::string_view login) { return login.find('*') != std::string_view::npos; }

// Reads one [account.NAME]; what is wrong with it is reported, and the rest still checked.
class AccountReader {
 public:
  AccountReader(const NamedTable& named, const Reading& reading, const Identities& identities)
      : reader_(named.table, named.at, fmt::format("[account.{}]", named.name), reading.problems),
        identities_(identities) {
    account_.name = named.name;
  }

  Account read(LoginOwners& owners, AddressOwners& trusting) {
    take_logins(owners);
    take_identity();
    take_password();
    take_mailbox();
    take_upn();
    take_users();
    take_shared();
    account_.allow = read_networks(reader_, "allow");
    take_protocols();
    take_rewriting();
    take_sharing();
    take_trusted(trusting);
    reader_.finish();
    return std::move(account_);
  }

 private:
  void take_logins(LoginOwners& owners) {
    const bool written = reader_.has("login");
    auto logins = reader_.one_or_many("login");
    if (!written) logins = {{account_.name, reader_.at()}};
    if (!logins) {
      logins_wrong_ = true;
      return;
    }
    for (const Placed<std::string>& login : *logins) {
      if (!check_login(login)) {
        logins_wrong_ = true;
        continue;
      }
      claim(login, owners);
      wildcard_ = wildcard_ || is_wildcard(login.value);
      account_.logins.push_back(login.value);
    }
    if (wildcard_ && !std::ranges::all_of(account_.logins, is_wildcard)) {
      reader_.error(reader_.at("login"), "a wildcard and a single login cannot share an account; give each its own");
    }
  }

  bool check_login(const Placed<std::string>& login) {
    if (login.value.size() > longest_login) {
      reader_.error(login.at, fmt::format("'login' is longer than {} bytes", longest_login));
      return false;
    }
    if (!is_wildcard(login.value)) return true;
    if (login.value.starts_with("*@") && is_host_name(std::string_view(login.value).substr(2))) return true;
    // FAULTS 48
    reader_.error(login.at, fmt::format("{} would let in whom you do not know; a wildcard is one whole domain: "
                                        "\"*@contoso.com\"",
                                        in_quotes(login.value)));
    return false;
  }

  void claim(const Placed<std::string>& login, LoginOwners& owners) {
    const auto [owner, free] = owners.try_emplace(folded(login.value), LoginOwner{account_.name, login.at.line});
    if (free) return;
    if (owner->second.account == account_.name) {
      reader_.error(login.at, fmt::format("{} lists login {} twice (case does not matter); take one out",
                                          reader_.name(), in_quotes(login.value)));
      return;
    }
    reader_.error(login.at,
                  fmt::format("login {} of {} already belongs to [account.{}] (line {}); case does not matter",
                              in_quotes(login.value), reader_.name(), owner->second.account, owner->second.line));
  }

  void take_identity() {
    const auto name = reader_.needed_text("identity", "it names the [identity.NAME] whose tokens open the mailbox");
    if (!name) return;
    account_.identity = name->value;
    if (const auto found = identities_.usable.find(name->value); found != identities_.usable.end()) {
      provider_ = &found->second.provider;
    } else if (!identities_.declared.contains(name->value)) {
      std::vector<std::string> known;
      for (const std::string& declared : identities_.declared | std::views::keys) known.push_back(declared);
      const std::string suggestion = did_you_mean(name->value, known);
      reader_.error(name->at, fmt::format("there is no identity {0}{1}", in_quotes(name->value),
                                          suggestion.empty() ? "; it needs a table [identity.NAME]" : suggestion));
    }
  }

  void take_password() {
    const std::string login = account_.logins.empty() || wildcard_ ? account_.name : account_.logins.front();
    const std::string shown = has_control_character(login) ? account_.name : login;
    const auto hash = reader_.needed_text("password", fmt::format("make one with: saslift password {}", shown));
    if (!hash) return;
    if (auto refusal = refusal_of_hash({.hash = hash->value, .login = shown}))
      reader_.error(hash->at, *std::move(refusal));
    account_.password_hash = hash->value;
  }

  void take_mailbox() {
    const auto mailbox = reader_.text("mailbox");
    if (wildcard_) {
      if (reader_.has("mailbox")) {
        reader_.error(reader_.at("mailbox"), "a wildcard opens the mailbox that is the login; take 'mailbox' out");
      }
      return;
    }
    if (mailbox) {
      account_.mailbox = mailbox->value;
      check_address(*mailbox);
      return;
    }
    if (reader_.has("mailbox") || logins_wrong_) return;
    const auto address = std::ranges::find_if(account_.logins, is_mail_address);
    if (address != account_.logins.end()) {
      account_.mailbox = *address;
    } else {
      reader_.error(reader_.at(), fmt::format("{} has no 'mailbox', and no login of it is an address; add mailbox = "
                                              "\"scans@contoso.com\"",
                                              reader_.name()));
    }
  }

  void check_address(const Placed<std::string>& mailbox) {
    const bool preset = provider_ != nullptr && find_preset(provider_->name) != nullptr;
    const bool usable = mailbox.value.size() <= longest_login && (!preset || is_mail_address(mailbox.value));
    if (usable) return;
    reader_.error(mailbox.at, fmt::format("{} is no mailbox; write its address, such as scans@contoso.com",
                                          in_quotes(mailbox.value)));
  }

  void take_upn() {
    const auto upn = reader_.text("upn");
    if (!upn) return;
    if (wildcard_) {
      reader_.error(upn->at, "a wildcard opens the mailbox that is the login; take 'upn' out");
      return;
    }
    check_address(*upn);
    account_.upn = upn->value;
    if (folded(upn->value) == folded(account_.mailbox)) {
      reader_.error(upn->at, "'upn' is the mailbox itself; it is only of use where the two differ; take it out");
    }
  }

  // "imap_user" and its like.
  void take_users() {
    for (const Protocol protocol : all_protocols) {
      const std::string key = fmt::format("{}_user", name_of(protocol));
      const auto user = reader_.text(key);
      if (!user) continue;
      if (wildcard_ && protocol != Protocol::smtp) {
        reader_.error(user->at, fmt::format("a wildcard opens the mailbox that is the login; take '{}' out", key));
      } else if (provider_ != nullptr && !provider_->endpoint(protocol)) {
        reader_.error(user->at, fmt::format("the provider '{}' has no {} server; take '{}' out", provider_->name,
                                            name_of(protocol), key));
      }
      check_address(*user);
      account_.users.emplace(protocol, user->value);
    }
  }

  void take_shared() {
    const auto mailboxes = reader_.one_or_many("shared");
    if (!mailboxes) return;
    for (const Placed<std::string>& mailbox : *mailboxes) {
      check_address(mailbox);
      const auto is_same = [&](const std::string& other) { return folded(other) == folded(mailbox.value); };
      if (std::ranges::any_of(account_.shared, is_same)) {
        reader_.error(mailbox.at, fmt::format("'shared' lists {} twice; take one out", in_quotes(mailbox.value)));
      }
      account_.shared.push_back(mailbox.value);
    }
  }

  void take_protocols() {
    const auto written = reader_.texts("protocols");
    if (!written) {
      if (wildcard_ && !reader_.has("protocols")) {
        reader_.error(reader_.at(),
                      fmt::format("{} has a wildcard and must say for what: protocols = [\"smtp\"]", reader_.name()));
      }
      for (const Protocol protocol : all_protocols) {
        if (provider_ == nullptr || provider_->endpoint(protocol)) account_.protocols.push_back(protocol);
      }
      return;
    }
    for (const Placed<std::string>& text : *written) take_protocol(text);
  }

  void take_protocol(const Placed<std::string>& text) {
    const auto* word = std::ranges::find(protocol_words, text.value, &Word<Protocol>::text);
    if (word == std::ranges::end(protocol_words)) {
      reader_.error(text.at, fmt::format("{} is no protocol; it is one of: imap, pop3, smtp{}", in_quotes(text.value),
                                         did_you_mean(text.value, {"imap", "pop3", "smtp"})));
      return;
    }
    if (std::ranges::find(account_.protocols, word->choice) != account_.protocols.end()) {
      reader_.error(text.at, fmt::format("'protocols' lists {} twice; take one out", word->text));
      return;
    }
    account_.protocols.push_back(word->choice);
    if (provider_ != nullptr && !provider_->endpoint(word->choice)) {
      reader_.error(text.at, fmt::format("the provider '{}' has no {} server; take {} out or give it one",
                                         provider_->name, word->text, word->text));
    }
  }

  void take_rewriting() {
    const auto word = reader_.choice("rewrite_from", rewrite_words);
    if (!word) return;
    account_.rewrite_from = word->value;
    const bool sends = std::ranges::find(account_.protocols, Protocol::smtp) != account_.protocols.end();
    if (word->value != RewriteFrom::no && !sends) {
      reader_.error(word->at, "'rewrite_from' is about mail sent by SMTP, which this account may not use; take it out");
    }
  }

  void take_sharing() {
    const auto shared = reader_.boolean("shared_password");
    if (!wildcard_) {
      if (shared && !logins_wrong_) {
        reader_.error(shared->at, "'shared_password' belongs to a wildcard login; take it out");
      }
      return;
    }
    const bool reads_mail = std::ranges::any_of(account_.protocols, [](Protocol p) { return p != Protocol::smtp; });
    if (reads_mail && reader_.has("protocols") && !(shared && shared->value)) {
      reader_.error(reader_.at("protocols"),
                    "with one password for a whole domain everybody could read everybody's mail; list smtp alone, or "
                    "say shared_password = true");
    }
  }

  void take_trusted(AddressOwners& owners) {
    const auto written = reader_.texts("trusted");
    if (!reader_.has("trusted")) return;
    if (wildcard_) {
      reader_.error(reader_.at("trusted"),
                    "an address stands for one mailbox, and a wildcard for many; give it an account of its own");
      return;
    }
    if (std::ranges::find(account_.protocols, Protocol::smtp) == account_.protocols.end()) {
      reader_.error(reader_.at("trusted"), "'trusted' is for sending; the account's protocols need smtp");
    }
    if (!written) return;
    for (const Placed<std::string>& text : *written) take_trusted_address(text, owners);
  }

  void take_trusted_address(const Placed<std::string>& text, AddressOwners& owners) {
    const auto network = Network::parse(text.value);
    const auto address = IpAddress::parse(text.value.substr(0, text.value.find('/')));
    const unsigned whole = address && address->family() == IpAddress::Family::v4 ? 32 : 128;
    if (!network || !address || network->prefix_length() != whole || address->is_unspecified()) {
      reader_.error(text.at, fmt::format("{} is not one address; who may send without a login is named one by one: "
                                         "192.168.10.21",
                                         in_quotes(text.value)));
      return;
    }
    const auto [owner, free] = owners.try_emplace(*address, LoginOwner{account_.name, text.at.line});
    if (!free) {
      reader_.error(text.at, fmt::format("{} is already trusted by [account.{}] (line {}); an address stands for one "
                                         "account",
                                         address->text(), owner->second.account, owner->second.line));
      return;
    }
    const bool allowed = account_.allow.empty() || std::ranges::any_of(account_.allow, [&](const Network& allow) {
                           return allow.contains(*address);
                         });
    if (!allowed) {
      reader_.error(text.at,
                    fmt::format("{} is trusted, but not in this account's 'allow'; add it there", address->text()));
    }
    account_.trusted.push_back(*address);
  }

  TableReader reader_;
  const Identities& identities_;
  const Provider* provider_ = nullptr;
  Account account_;
  bool wildcard_ = false;
  bool logins_wrong_ = false;
};

}  // namespace

std::map<std::string, Account> read_accounts(const Reading& reading, const Identities& identities) {
  std::map<std::string, Account> accounts;
  LoginOwners owners;
  AddressOwners trusting;
  for (const NamedTable& named : named_tables(reading, "account", {})) {
    accounts.emplace(named.name, AccountReader(named, reading, identities).read(owners, trusting));
  }
  if (find(reading.root, "account") == nullptr) {
    reading.problems.warning({}, "there is no [account.NAME] yet, so nobody can log in");
  }
  return accounts;
}

}  // namespace saslift::config
