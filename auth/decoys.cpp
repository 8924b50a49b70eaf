#include "auth/decoys.h"

#include <sodium.h>

#include <array>
#include <cstring>

#include "auth/password.h"

namespace saslift::auth {

Decoys::Decoys(const config::Settings& settings) {
  std::array<unsigned char, crypto_shorthash_KEYBYTES> key{};
  crypto_shorthash_keygen(key.data());
  key_ = config::Secret::guarded({reinterpret_cast<const char*>(key.data()), key.size()});
  sodium_memzero(key.data(), key.size());
  reload(settings);
}

void Decoys::reload(const config::Settings& settings) {
  hashes_.clear();
  hashes_.reserve(settings.accounts.size() + 1);
  for (const auto& [name, account] : settings.accounts) hashes_.push_back(decoy_hash_like(account.password_hash));
  if (hashes_.empty()) hashes_.push_back(decoy_hash());
}

const std::string& Decoys::of(std::string_view login) const {
  std::array<unsigned char, crypto_shorthash_BYTES> digest{};
  crypto_shorthash(digest.data(), reinterpret_cast<const unsigned char*>(login.data()), login.size(),
                   reinterpret_cast<const unsigned char*>(key_.reveal().data()));
  std::uint64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof number);
  return hashes_[number % hashes_.size()];
}

}  // namespace saslift::auth
