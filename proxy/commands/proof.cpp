#include "proxy/commands/proof.h"

#include <fmt/format.h>

#include "auth/remedies.h"
#include "auth/upstream_user.h"
#include "config/text_forms.h"

namespace saslift::proxy::commands {
namespace {

auth::AccountMatch match_of(const Subject& subject) {
  const bool own = subject.account.mailbox.empty() || subject.mailbox == subject.account.mailbox;
  return {.account = &subject.account,
          .mailbox = subject.mailbox,
          .kind = own ? auth::MailboxKind::own : auth::MailboxKind::shared,
          .flaw = {}};
}

}  // namespace

std::expected<Subject, std::string> find_subject(const config::Settings& settings, const std::string& account,
                                                 std::string_view mailbox) {
  const auto found = settings.accounts.find(account);
  if (found == settings.accounts.end()) {
    return std::unexpected(fmt::format("there is no account '{}' in {}", account, settings.path));
  }
  const config::Account& one = found->second;
  Subject subject{.account = one,
                  .identity = settings.identities.at(one.identity),
                  .mailbox = mailbox.empty() ? one.mailbox : std::string(mailbox)};
  if (subject.mailbox.empty()) {
    return std::unexpected(
        fmt::format("account '{}' stands for many mailboxes; name one: --mailbox user@domain", account));
  }
  if (config::has_control_character(subject.mailbox)) {
    return std::unexpected("the mailbox holds a control character, which no server takes");
  }
  return subject;
}

std::string upstream_user(const Subject& subject, config::Protocol protocol) {
  const auth::AccountMatch match = match_of(subject);
  const std::string_view fixed = auth::fixed_upstream_user(match, subject.identity, protocol);
  return std::string(fixed.empty() ? std::string_view(subject.mailbox) : fixed);
}

std::string other_upstream_user(const Subject& subject, config::Protocol protocol) {
  const auth::AccountMatch match = match_of(subject);
  const bool is_fixed = !auth::fixed_upstream_user(match, subject.identity, protocol).empty();
  return is_fixed || match.kind == auth::MailboxKind::shared ? std::string() : subject.account.upn;
}

auth::TokenKey token_key(const Subject& subject) {
  return {.identity = subject.identity.name,
          .subject = config::acts_for_one_mailbox(subject.identity.grant) ? subject.mailbox : std::string()};
}

std::string remedy_lines(const auth::TokenError& error) {
  const auto remedy = auth::remedy_for(error);
  return remedy ? fmt::format("  cause     {}\n  next      {}\n", remedy->cause, remedy->next_step) : std::string();
}

}  // namespace saslift::proxy::commands
