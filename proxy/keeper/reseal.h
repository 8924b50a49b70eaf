// `saslift reseal`: the kept state is sealed with another key. Blocks; refused while a keeper runs, which holds
// the old one.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "config/secret.h"
#include "config/settings.h"

namespace saslift::proxy::keeper {

struct Resealed {
  std::size_t sign_ins = 0;
  std::string note;  // about what was found; mostly empty
};

// From `old_key` (empty: state.key) to [service] state_key; where none is configured, to a new state.key. Whatever
// interrupts it, the state opens with the key before or with the new one.
[[nodiscard]] std::expected<Resealed, std::string> reseal(const config::Service& service,
                                                          const config::Secret& old_key);

}  // namespace saslift::proxy::keeper
