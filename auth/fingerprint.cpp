#include "auth/fingerprint.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>

namespace saslift::auth {

std::string fingerprint_of(const config::Secret& token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(token.reveal().data()), token.size());
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

}  // namespace saslift::auth
