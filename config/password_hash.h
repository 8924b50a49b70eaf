// What may stand behind `password =`: an argon2id PHC string whose cost a login can afford.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saslift::config {

struct WrittenHash {
  std::string_view hash;
  std::string_view login;  // for the advice
};

// What is wrong with it and what to do, without a byte of it; nullopt: usable.
// `login` completes the command that makes a good one.
[[nodiscard]] std::optional<std::string> refusal_of_hash(const WrittenHash& written);

}  // namespace saslift::config
