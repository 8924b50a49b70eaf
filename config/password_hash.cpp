#include "config/password_hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace saslift::config {
namespace {

// One login at a higher cost would hold up the others.
constexpr std::uint32_t most_memory_kib = 256 * 1024;
constexpr std::uint32_t most_passes = 10;
constexpr std::uint32_t most_lanes = 16;
constexpr std::size_t longest_hash = 256;
// What libsodium verifies: salts from 8 bytes, hashes from 16; unpadded base64.
constexpr std::size_t shortest_salt = 11;
constexpr std::size_t shortest_digest = 22;

bool is_base64(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

// Consumes text piece by piece; once a piece is missing, every later one is too.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return fail();
    rest_.remove_prefix(expected.size());
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    const auto [stopped, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    // libsodium takes no leading zero.
    if (error != std::errc{} || rest_.front() == '0') fail();
    rest_.remove_prefix(std::min(static_cast<std::size_t>(stopped - rest_.data()), rest_.size()));
    return value;
  }
  void base64(std::size_t least) {
    const auto end = std::ranges::find_if_not(rest_, is_base64);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    if (size < least || size % 4 == 1) fail();
    rest_.remove_prefix(std::min(size, rest_.size()));
  }
  [[nodiscard]] bool all_there() const { return good_ && rest_.empty(); }

 private:
  void fail() {
    good_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::optional<std::string> refusal_of_hash(const WrittenHash& written) {
  const auto& [hash, login] = written;
  const std::string remedy = fmt::format("make one with: saslift password {}", login);
  if (!hash.starts_with('$')) {
    return fmt::format("'password' takes a hash, never the password itself; {}", remedy);
  }
  if (!hash.starts_with("$argon2id$")) {
    return fmt::format("'password' takes only argon2id hashes ($argon2id$v=19$...); {}", remedy);
  }
  Pieces pieces(hash.substr(0, longest_hash + 1));
  pieces.literal("$argon2id$v=19$m=");
  const std::uint32_t memory_kib = pieces.number();
  pieces.literal(",t=");
  const std::uint32_t passes = pieces.number();
  pieces.literal(",p=");
  const std::uint32_t lanes = pieces.number();
  pieces.literal("$");
  pieces.base64(shortest_salt);
  pieces.literal("$");
  pieces.base64(shortest_digest);
  if (!pieces.all_there() || hash.size() > longest_hash || lanes > most_lanes || memory_kib < 8 * lanes) {
    return fmt::format(
        "'password' is cut off or mistyped: an argon2id hash reads $argon2id$v=19$m=19456,t=2,p=1$salt$hash; {}",
        remedy);
  }
  if (memory_kib > most_memory_kib || passes > most_passes) {
    return fmt::format("'password' costs too much for every login: at most m={} (256 MiB) and t={}; {}",
                       most_memory_kib, most_passes, remedy);
  }
  return std::nullopt;
}

}  // namespace saslift::config
