// A token endpoint's JSON with its tokens taken out before any parser sees them, because a parser leaves
// copies of what it reads in freed memory: every string value whose key ends in "_token", or is "device_code",
// becomes a Secret, and its place in the text holds the Secret's index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/secret.h"

namespace saslift::auth {

struct TokenJson {
  std::string text;  // {"access_token":"0","expires_in":3599}
  std::vector<config::Secret> tokens;

  // By what now stands in its place; empty: that is no index.
  [[nodiscard]] config::Secret take(std::string_view index);
};

// Of text that is no JSON the result is none either.
[[nodiscard]] TokenJson take_tokens(std::string_view json);

}  // namespace saslift::auth
