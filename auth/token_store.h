// The sealed state: refresh tokens <-> bytes. XChaCha20-Poly1305 with a fresh nonce each time; the header in
// front (magic, version, key, generation) is authenticated with them. Pure: proxy/keeper/state_file keeps the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.h"
#include "config/settings.h"

namespace saslift::auth {

// What a refresh token was granted for: it is used for nothing else, whatever an identity of its name has become.
struct GrantedFor {
  std::string token_endpoint;
  std::string tenant;
  std::string client_id;
  std::string scope;

  friend bool operator==(const GrantedFor&, const GrantedFor&) = default;
};
[[nodiscard]] GrantedFor granted_for(const config::Identity& identity);

// A refresh token as it is kept. Times are seconds of the wall clock since 1970.
struct KeptGrant {
  std::string identity;
  GrantedFor granted_for;
  config::Secret refresh_token;  // guarded
  std::string user;              // who signed in; empty: the provider did not say
  std::int64_t obtained_at = 0;
  std::int64_t refreshed_at = 0;
  std::string seed;  // seed_of() the configured refresh_token it stands in for; empty: there was none

  [[nodiscard]] KeptGrant copy() const;
};
// Tells configured refresh tokens apart without holding them.
[[nodiscard]] std::string seed_of(const config::Secret& refresh_token);

struct KeptState {
  std::uint64_t generation = 0;  // one more with each save
  std::vector<KeptGrant> grants;
};

class StateKey {
 public:
  static constexpr std::size_t least_material = 32;
  using Id = std::array<char, 16>;

  // Any text will do that nobody can guess; nullopt: it has less than least_material bytes.
  [[nodiscard]] static std::optional<StateKey> made_from(std::string_view material);
  // Material for a key: random, as text that fits into a file or a variable.
  [[nodiscard]] static config::Secret new_material();

  [[nodiscard]] const Id& id() const { return id_; }
  [[nodiscard]] std::string_view reveal() const { return bytes_.reveal(); }
  [[nodiscard]] StateKey copy() const;

 private:
  StateKey() = default;
  config::Secret bytes_;
  Id id_{};
};

// What a keeper finds at its start.
struct OpenedState {
  StateKey key;  // with which it saves
  KeptState kept;
  std::string unreadable;  // not empty: there is a state that does not open, for this reason; it is not an empty one
  std::string suspect;     // not empty: the earlier generation was taken, for this reason
};

// Why sealed bytes do not open.
enum class SealFlaw : std::uint8_t { not_ours, unknown_version, other_key, damaged };
inline constexpr int seal_flaw_count = 4;
// "is damaged: ..."; what is wrong and what to do, behind the name of a file.
[[nodiscard]] std::string_view words_for(SealFlaw flaw);

[[nodiscard]] std::string seal(const KeptState& state, const StateKey& key);
[[nodiscard]] std::expected<KeptState, SealFlaw> open_sealed(std::string_view bytes, const StateKey& key);

}  // namespace saslift::auth
