// Every known cause of a refused token or login -> what happened and what to do next. For the log, and for
// people: what a client is told is one plain sentence without a provider's words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/grants/grant.h"
#include "auth/login.h"

namespace saslift::auth {

struct Remedy {
  std::string cause;
  std::string next_step;
};

// By the AADSTS number in the description, else by the error's name.
[[nodiscard]] std::optional<Remedy> remedy_for(const TokenError& error);
// By the mail server's words.
[[nodiscard]] std::optional<Remedy> remedy_for(std::string_view server_words);

// The server ended the session because the token's life did.
[[nodiscard]] bool tells_token_expiry(std::string_view server_words);

// The login counted, and the mailbox did not open.
[[nodiscard]] bool tells_unconnected(std::string_view server_words);

// The number behind the first "AADSTS"; 0: there is none.
[[nodiscard]] unsigned aadsts_number(std::string_view description);

// What the sentence may name; empty where it does not apply.
struct SentenceSubject {
  std::string_view identity;
  std::string_view host;
  config::Protocol protocol = config::Protocol::imap;
  std::string_view server_words;  // never quoted; they choose the wording
};
// Cause and next step, printable ASCII, at most 200 bytes; empty for bad_credentials, which tells nothing.
[[nodiscard]] std::string sentence_for(LoginFailure failure, const SentenceSubject& subject);

}  // namespace saslift::auth
