#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/identity_draft.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

constexpr std::string_view app_scope_end = "/.default";

// FAULTS 52: what a person is asked to allow opens their mail and nothing else.
constexpr std::array<std::string_view, 4> mail_hosts{"https://outlook.office.com/", "https://outlook.office365.com/",
                                                     "https://outlook.office365.us/", "https://partner.outlook.cn/"};
constexpr std::array<std::string_view, 5> mail_rights{"imap.accessasuser.all", "pop.accessasuser.all", "smtp.send",
                                                      "smtp.sendasapp", ".default"};
constexpr std::array<std::string_view, 4> identity_scopes{"offline_access", "openid", "profile", "email"};

bool is_mail_scope(std::string_view word) {
  const std::string lower = folded(word);
  if (std::ranges::find(identity_scopes, lower) != identity_scopes.end()) return true;
  return std::ranges::any_of(mail_hosts, [&](std::string_view host) {
    return lower.starts_with(host) &&
           std::ranges::find(mail_rights, std::string_view(lower).substr(host.size())) != mail_rights.end();
  });
}

std::vector<std::string> words_of(std::string_view scope) {
  std::vector<std::string> words;
  while (!scope.empty()) {
    const auto space = std::min(scope.find(' '), scope.size());
    if (space > 0) words.emplace_back(scope.substr(0, space));
    scope.remove_prefix(std::min(space + 1, scope.size()));
  }
  return words;
}

void check_delegated_scope(IdentityDraft& draft, Position at, std::string_view remedy) {
  const auto words = words_of(draft.provider.provider.scope);
  const auto foreign = std::ranges::find_if_not(words, is_mail_scope);
  if (foreign != words.end()) {
    draft.error(at, fmt::format("'scope' asks for {}, which is more than mail; use scope = \"{}\"", in_quotes(*foreign),
                                remedy));
  }
  if (lives_on_refresh_token(draft.identity.grant) &&
      std::ranges::find(words, "offline_access", [](const std::string& word) { return folded(word); }) == words.end()) {
    draft.error(at, fmt::format("'scope' lacks offline_access, without which the sign-in is lost within the hour; use "
                                "scope = \"{}\"",
                                remedy));
  }
}

}  // namespace

void settle_scope(IdentityDraft& draft) {
  const bool written = draft.provider.scope_at.line != 0;
  const bool delegated = is_delegated(draft.identity);
  std::string& scope = draft.provider.provider.scope;
  std::string remedy = delegated ? "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
                                 : "https://outlook.office365.com/.default";
  if (draft.preset != nullptr) {
    remedy = delegated ? draft.preset->delegated_scope : draft.preset->provider.scope;
    if (!written) scope = remedy;
  }
  if (draft.identity.grant == Grant::command) return;
  const Position at = written ? draft.provider.scope_at : draft.reader.at();
  const std::string lower = folded(scope);
  // EXCHANGE 1.11: a token for Graph opens no mail protocol.
  if (lower.find("graph.microsoft.") != std::string::npos || lower.find("microsoftgraph.") != std::string::npos) {
    draft.error(at,
                fmt::format("a 'scope' of Microsoft Graph opens no IMAP, POP3 or SMTP; use scope = \"{}\"", remedy));
    return;
  }
  if (!draft.at_entra && draft.identity.grant != Grant::managed_identity) return;
  if (delegated) return check_delegated_scope(draft, at, remedy);
  // EXCHANGE 1.11
  if (!lower.ends_with(app_scope_end) || lower.find(' ') != std::string::npos) {
    draft.error(at, fmt::format("with {} 'scope' is one resource and '/.default': scope = \"{}\"",
                                name_of(draft.identity.grant), remedy));
  }
}

}  // namespace saslift::config
