// What a refused client is told: sentence_for() of auth/remedies.h.
#include <algorithm>

#include "auth/accounts.h"
#include "auth/remedies.h"

namespace saslift::auth {
namespace {

constexpr std::size_t longest_sentence = 200;
constexpr std::size_t longest_name = 64;

// A name as a reply line may carry it: every protocol's line stays one line of ASCII.
std::string shown(std::string_view name) {
  std::string clean(name.substr(0, longest_name));
  std::replace_if(clean.begin(), clean.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return clean;
}

std::string app_identity(const SentenceSubject& subject) { return "app identity '" + shown(subject.identity) + "'"; }

std::string_view spoken(config::Protocol protocol) {
  switch (protocol) {
    case config::Protocol::imap:
      return "IMAP";
    case config::Protocol::pop3:
      return "POP3";
    case config::Protocol::smtp:
      return "SMTP";
  }
  return "this protocol";
}

std::string refused_by_provider(const SentenceSubject& subject) {
  if (subject.server_words.empty())
    return "The " + app_identity(subject) + " was refused by its provider; ask your administrator";
  const std::string words = folded(subject.server_words);
  if (words.contains("smtpclientauthentication is disabled") || words.contains("disabled for the mailbox"))
    return "Sending by SMTP is switched off for this mailbox; ask your administrator";
  return "The mail server does not let the " + app_identity(subject) + " open this mailbox by " +
         std::string(spoken(subject.protocol)) + "; ask your administrator";
}

std::string words_for(LoginFailure failure, const SentenceSubject& subject) {
  switch (failure) {
    case LoginFailure::bad_credentials:
      return {};
    case LoginFailure::not_permitted:
      return "This account may not use " + std::string(spoken(subject.protocol)) + "; ask your administrator";
    case LoginFailure::authzid_refused:
      return "The authorization identity must be empty or the same as the login; correct it in this device";
    case LoginFailure::needs_tls:
      return "A password is taken only over TLS here; switch TLS on in this device";
    case LoginFailure::sign_in_needed:
      return "The " + app_identity(subject) + " needs a new sign-in; ask your administrator";
    case LoginFailure::identity_refused:
      return refused_by_provider(subject);
    case LoginFailure::token_unavailable:
      return "The sign-in service of " + app_identity(subject) + " is unavailable; try again later";
    case LoginFailure::server_unreachable:
      return "The mail server " + shown(subject.host) + " cannot be reached; try again later";
    case LoginFailure::server_protocol_error:
      return "The mail server gave an answer that makes no sense; try again later";
    case LoginFailure::timeout:
      return "The login took too long; try again later";
    case LoginFailure::limit_reached:
      return "Too many connections to this mailbox at once; try again later";
    case LoginFailure::overloaded:
      return "Too many logins at once; try again in a moment";
    case LoginFailure::shutting_down:
      return "The service is restarting; try again in a moment";
    case LoginFailure::keeper_away:
      return "The service is not ready; try again in a moment";
  }
  return {};
}

}  // namespace

std::string sentence_for(LoginFailure failure, const SentenceSubject& subject) {
  std::string sentence = words_for(failure, subject);
  if (sentence.size() > longest_sentence) sentence.resize(longest_sentence);
  return sentence;
}

}  // namespace saslift::auth
