// Remembers which passwords were right, so that a device that logs in again costs no second argon2id.
// Keeps keyed digests over hash, login and password, never a password: the key dies with the process, and a
// changed hash matches nothing any more. Bounded; the oldest is forgotten first.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <string_view>
#include <unordered_set>

#include "config/secret.h"

namespace saslift::auth {

class PasswordMemo {
 public:
  using Digest = std::array<unsigned char, 32>;
  struct Attempt {
    std::string_view phc;
    std::string_view login;
    std::string_view password;
  };

  static constexpr std::size_t usual_capacity = 16'384;

  explicit PasswordMemo(std::size_t capacity = usual_capacity);

  [[nodiscard]] Digest digest_of(const Attempt& attempt) const;
  [[nodiscard]] bool knows(const Digest& digest) const { return known_.contains(digest); }
  void remember(const Digest& digest);
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Digest& digest) const;
  };
  struct Equal {
    bool operator()(const Digest& left, const Digest& right) const;
  };

  std::size_t capacity_;
  config::Secret key_;
  std::unordered_set<Digest, Hash, Equal> known_;
  std::deque<Digest> by_age_;
};

}  // namespace saslift::auth
