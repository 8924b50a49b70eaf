// What an access token says of itself, where it is a JWT: for an operator's eyes, unverified, and never the token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace saslift::auth {

struct TokenFact {
  std::string name;  // the claim's: aud, appid, roles...
  std::string value;
};

// Empty: it is no JWT, as those of personal accounts are none.
[[nodiscard]] std::vector<TokenFact> facts_of_token(std::string_view access_token);

// What of this will be refused by the mail servers, in words.
[[nodiscard]] std::vector<std::string> doubts_about(const std::vector<TokenFact>& facts,
                                                    const config::Provider& provider);

}  // namespace saslift::auth
