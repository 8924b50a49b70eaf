// What goes into a fetch process and what comes out of it: u16 length of the CBOR (little endian), CBOR without
// secrets, then the secret body to the end of the pipe.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "auth/grants/grant.h"
#include "config/secret.h"

namespace saslift::proxy::fetch {

inline constexpr std::size_t largest_cbor = 4096;
inline constexpr std::size_t largest_message = 2 + largest_cbor + auth::largest_token_reply;
inline constexpr std::size_t longest_detail = 512;

struct MalformedMessage {
  std::string what;
};

// Throws std::length_error where names and URL do not fit into largest_cbor.
[[nodiscard]] config::Secret encode(const auth::TokenRequest& request);
[[nodiscard]] config::Secret encode(const auth::FetchOutcome& outcome);

[[nodiscard]] std::expected<auth::TokenRequest, MalformedMessage> decode_request(std::string_view message);
[[nodiscard]] std::expected<auth::FetchOutcome, MalformedMessage> decode_outcome(std::string_view message);

}  // namespace saslift::proxy::fetch
