// What goes into a fetch process and what comes out of it: u16 length of the CBOR (little endian), CBOR without
// secrets, then the secrets to the end of the pipe, one behind the other; the CBOR of a request says how long each
// is.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "auth/grants/grant.h"
#include "config/secret.h"

namespace saslift::proxy::fetch {

inline constexpr std::size_t largest_cbor = 16 * 1024;
// A refresh token, a client secret and a password, all URL-encoded, and a private key.
inline constexpr std::size_t largest_request = 2 + largest_cbor + 512 * 1024;
inline constexpr std::size_t largest_outcome = 2 + largest_cbor + auth::largest_token_reply;
inline constexpr std::size_t longest_detail = 512;

struct MalformedMessage {
  std::string what;
};

// Throws std::length_error where it does not fit.
[[nodiscard]] config::Secret encode(const auth::TokenRequest& request);
[[nodiscard]] config::Secret encode(const auth::FetchOutcome& outcome);

[[nodiscard]] std::expected<auth::TokenRequest, MalformedMessage> decode_request(std::string_view message);
[[nodiscard]] std::expected<auth::FetchOutcome, MalformedMessage> decode_outcome(std::string_view message);

}  // namespace saslift::proxy::fetch
