#include "auth/token_store.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

namespace saslift::auth {
namespace {

constexpr std::string_view magic = "saslift state\n";
constexpr char version = 1;
constexpr std::string_view key_context = "saslift state key";
constexpr std::string_view key_id_context = "saslift state key id";
constexpr std::string_view seed_context = "saslift refresh token seed";
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void hash(std::string_view context, std::string_view text, unsigned char* out, std::size_t size) {
  crypto_generichash(out, size, octets(text), text.size(), octets(context), context.size());
}

// Plain text of the state on its way: never moved by growing, wiped however it is left.
class PlainText {
 public:
  explicit PlainText(std::size_t most) { bytes.reserve(most); }
  PlainText(const PlainText&) = delete;
  PlainText& operator=(const PlainText&) = delete;
  ~PlainText() { config::wipe(bytes); }

  std::string bytes;
};

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((number >> shift) & 0xFFU));
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out.append(text);
}

std::array<std::string_view, 8> texts_of(const KeptGrant& grant) {
  return {grant.identity,
          grant.granted_for.token_endpoint,
          grant.granted_for.tenant,
          grant.granted_for.client_id,
          grant.granted_for.scope,
          grant.user,
          grant.seed,
          grant.refresh_token.reveal()};
}

std::size_t size_of(const KeptState& state) {
  std::size_t size = 0;
  for (const KeptGrant& grant : state.grants) {
    for (const std::string_view text : texts_of(grant)) size += sizeof(std::uint64_t) + text.size();
    size += 2 * sizeof(std::uint64_t);
  }
  return size;
}

void append_grant(std::string& out, const KeptGrant& grant) {
  for (const std::string_view text : texts_of(grant)) append_text(out, text);
  append_number(out, static_cast<std::uint64_t>(grant.obtained_at));
  append_number(out, static_cast<std::uint64_t>(grant.refreshed_at));
}

// Takes values off the front; what is not there leaves it `broken`.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  std::uint64_t number() {
    std::uint64_t number = 0;
    for (const char byte : take(sizeof number)) number = (number << 8U) | static_cast<unsigned char>(byte);
    return number;
  }
  std::string_view text() { return take(number()); }
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > left_.size()) {
      broken_ = true;
      left_ = {};
      return {};
    }
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
  bool broken_ = false;
};

KeptGrant read_grant(Reader& reader) {
  KeptGrant grant;
  for (std::string* text : {&grant.identity, &grant.granted_for.token_endpoint, &grant.granted_for.tenant,
                            &grant.granted_for.client_id, &grant.granted_for.scope, &grant.user, &grant.seed})
    *text = reader.text();
  grant.refresh_token = config::Secret::guarded(reader.text());
  grant.obtained_at = static_cast<std::int64_t>(reader.number());
  grant.refreshed_at = static_cast<std::int64_t>(reader.number());
  return grant;
}

std::string header_for(const StateKey& key, std::uint64_t generation) {
  std::string header(magic);
  header.push_back(version);
  header.append(key.id().data(), key.id().size());
  append_number(header, generation);
  return header;
}

constexpr std::size_t header_size = magic.size() + 1 + sizeof(StateKey::Id) + sizeof(std::uint64_t);

}  // namespace

GrantedFor granted_for(const config::Identity& identity) {
  return {.token_endpoint = identity.provider.token_endpoint,
          .tenant = identity.tenant,
          .client_id = identity.client_id,
          .scope = identity.provider.scope};
}

KeptGrant KeptGrant::copy() const {
  return {.identity = identity,
          .granted_for = granted_for,
          .refresh_token = config::Secret::guarded(refresh_token.reveal()),
          .user = user,
          .obtained_at = obtained_at,
          .refreshed_at = refreshed_at,
          .seed = seed};
}

std::string seed_of(const config::Secret& refresh_token) {
  std::string digest(crypto_generichash_BYTES, '\0');
  hash(seed_context, refresh_token.reveal(), octets(digest), digest.size());
  return digest;
}

std::optional<StateKey> StateKey::made_from(std::string_view material) {
  if (material.size() < least_material) return std::nullopt;
  PlainText bytes(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  bytes.bytes.resize(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  hash(key_context, material, octets(bytes.bytes), bytes.bytes.size());
  StateKey key;
  key.bytes_ = config::Secret::guarded(bytes.bytes);
  hash(key_id_context, key.reveal(), reinterpret_cast<unsigned char*>(key.id_.data()), key.id_.size());
  return key;
}

config::Secret StateKey::new_material() {
  PlainText random(least_material);
  random.bytes.resize(least_material);
  randombytes_buf(random.bytes.data(), random.bytes.size());
  PlainText text(2 * least_material + 1);
  text.bytes.resize(2 * least_material + 1);
  sodium_bin2hex(text.bytes.data(), text.bytes.size(), octets(random.bytes), random.bytes.size());
  return config::Secret::guarded(std::string_view(text.bytes).substr(0, 2 * least_material));
}

StateKey StateKey::copy() const {
  StateKey same;
  same.bytes_ = config::Secret::guarded(bytes_.reveal());
  same.id_ = id_;
  return same;
}

std::string_view words_for(SealFlaw flaw) {
  switch (flaw) {
    case SealFlaw::not_ours:
      return "is no state of saslift's; find out what put it there";
    case SealFlaw::unknown_version:
      return "was written by a newer saslift; run that one";
    case SealFlaw::other_key:
      return "is sealed with another key; give back the key it was sealed with (state_key, or state.key beside it)";
    case SealFlaw::damaged:
      return "is damaged: its seal does not hold; restore it from a backup, or sign in again";
  }
  return "does not open";
}

std::string seal(const KeptState& state, const StateKey& key) {
  const std::string header = header_for(key, state.generation);
  PlainText plain(size_of(state));
  for (const KeptGrant& grant : state.grants) append_grant(plain.bytes, grant);
  std::string sealed = header;
  sealed.resize(header_size + nonce_size + plain.bytes.size() + tag_size);
  unsigned char* nonce = octets(sealed) + header_size;
  randombytes_buf(nonce, nonce_size);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + nonce_size, nullptr, octets(plain.bytes), plain.bytes.size(),
                                             octets(header), header.size(), nullptr, nonce, octets(key.reveal()));
  return sealed;
}

std::expected<KeptState, SealFlaw> open_sealed(std::string_view bytes, const StateKey& key) {
  const std::string_view start = bytes.substr(0, magic.size());
  if (start != magic.substr(0, start.size())) return std::unexpected(SealFlaw::not_ours);
  if (bytes.size() <= magic.size()) return std::unexpected(SealFlaw::damaged);
  if (bytes[magic.size()] != version) return std::unexpected(SealFlaw::unknown_version);
  if (bytes.size() < header_size + nonce_size + tag_size) return std::unexpected(SealFlaw::damaged);
  const std::string_view id = bytes.substr(magic.size() + 1, sizeof(StateKey::Id));
  if (!std::ranges::equal(id, key.id())) return std::unexpected(SealFlaw::other_key);

  const std::string_view nonce = bytes.substr(header_size, nonce_size);
  const std::string_view sealed = bytes.substr(header_size + nonce_size);
  PlainText plain(sealed.size());
  plain.bytes.resize(sealed.size() - tag_size);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(octets(plain.bytes), nullptr, nullptr, octets(sealed), sealed.size(),
                                                 octets(bytes), header_size, octets(nonce), octets(key.reveal())) != 0)
    return std::unexpected(SealFlaw::damaged);
  KeptState state;
  state.generation = Reader(bytes.substr(header_size - sizeof(std::uint64_t))).number();
  for (Reader reader(plain.bytes); !reader.at_end();) {
    state.grants.push_back(read_grant(reader));
    if (reader.broken()) return std::unexpected(SealFlaw::damaged);
  }
  return state;
}

}  // namespace saslift::auth
