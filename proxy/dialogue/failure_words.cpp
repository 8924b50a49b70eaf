#include "proxy/dialogue/failure_words.h"

namespace saslift::proxy {
namespace {

std::string_view default_sentence(auth::LoginFailure failure) {
  using auth::LoginFailure;
  switch (failure) {
    case LoginFailure::bad_credentials:
      return "The user name or password is wrong; type both again, or ask your administrator";
    case LoginFailure::not_permitted:
      return "This account may not be used for this kind of mail access; ask your administrator";
    case LoginFailure::authzid_refused:
      return "This login may not act for another user; leave the authorization identity empty";
    case LoginFailure::needs_tls:
      return "Passwords are only taken on an encrypted connection; switch on STARTTLS or TLS in the mail settings";
    case LoginFailure::sign_in_needed:
      return "The app behind this account needs a new sign-in; ask your administrator";
    case LoginFailure::identity_refused:
      return "The mail service refuses the app behind this account; ask your administrator";
    case LoginFailure::token_unavailable:
      return "The sign-in service does not answer just now; try again later";
    case LoginFailure::server_unreachable:
      return "The mail service cannot be reached just now; try again later";
    case LoginFailure::server_protocol_error:
      return "The mail service gave an answer that makes no sense; try again later";
    case LoginFailure::timeout:
      return "The mail service took too long to answer; try again later";
    case LoginFailure::limit_reached:
      return "Too many connections are open to this mailbox; close some, or try again later";
    case LoginFailure::overloaded:
      return "Too many logins are waiting; try again later";
    case LoginFailure::shutting_down:
      return "The mail proxy is being restarted; try again in a minute";
    case LoginFailure::keeper_away:
      return "The mail proxy cannot check logins just now; try again in a minute";
  }
  return "The login failed";
}

}  // namespace

std::string failure_words(auth::LoginFailure failure, std::string_view sentence, std::string_view reference) {
  std::string words(sentence.empty() ? default_sentence(failure) : sentence);
  while (words.ends_with('.') || words.ends_with(' ')) words.pop_back();
  if (!reference.empty()) words.append(", reference ").append(reference);
  for (char& c : words) {
    if (c < ' ' || c > '~') c = '?';  // a line end would be a reply of its own
  }
  return words;
}

}  // namespace saslift::proxy
