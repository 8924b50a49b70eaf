// Exchange closes a POP3 connection whose login line is longer than this.
#pragma once

#include <cstddef>
#include <string_view>

#include "config/secret.h"

namespace saslift::auth {

inline constexpr std::size_t longest_pop3_response = 4'096;

// The size in base64 of the XOAUTH2 response for this user and token.
[[nodiscard]] inline std::size_t response_size(std::string_view user, const config::Secret& token) {
  constexpr std::size_t frame = std::string_view("user=\1auth=Bearer \1\1").size();
  return (frame + user.size() + token.size() + 2) / 3 * 4;
}

}  // namespace saslift::auth
