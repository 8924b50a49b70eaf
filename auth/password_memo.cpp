#include "auth/password_memo.h"

#include <sodium.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace saslift::auth {
namespace {

config::Secret random_key() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  std::array<unsigned char, crypto_generichash_KEYBYTES> bytes{};
  crypto_generichash_keygen(bytes.data());
  auto key = config::Secret::guarded({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

PasswordMemo::PasswordMemo(std::size_t capacity) : capacity_(capacity), key_(random_key()) {}

PasswordMemo::Digest PasswordMemo::digest_of(const Attempt& attempt) const {
  crypto_generichash_state state;
  crypto_generichash_init(&state, bytes_of(key_.reveal()), key_.size(), Digest{}.size());
  for (const std::string_view part : {attempt.phc, attempt.login, attempt.password}) {
    // With its length before it, no part can lend bytes to its neighbour.
    const std::uint64_t size = part.size();
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&size), sizeof size);
    crypto_generichash_update(&state, bytes_of(part), part.size());
  }
  Digest digest{};
  crypto_generichash_final(&state, digest.data(), digest.size());
  sodium_memzero(&state, sizeof state);
  return digest;
}

void PasswordMemo::remember(const Digest& digest) {
  if (capacity_ == 0 || !known_.insert(digest).second) return;
  by_age_.push_back(digest);
  if (by_age_.size() > capacity_) {
    known_.erase(by_age_.front());
    by_age_.pop_front();
  }
}

std::size_t PasswordMemo::Hash::operator()(const Digest& digest) const {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

bool PasswordMemo::Equal::operator()(const Digest& left, const Digest& right) const {
  return sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace saslift::auth
