#include "auth/password.h"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>

namespace saslift::auth {
namespace {

constexpr unsigned long long passes = 2;
constexpr std::size_t memory = 19 * 1024 * 1024;  // bytes
constexpr std::size_t generated_length = 20;

void start_sodium() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
}

// libsodium declares that the bytes are never null, which those of an empty password are.
const char* bytes_of(const config::Secret& password) { return password.empty() ? "" : password.reveal().data(); }

template <std::size_t Size>
std::string random_base64() {
  std::array<unsigned char, Size> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(sodium_base64_ENCODED_LEN(Size, sodium_base64_VARIANT_ORIGINAL_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  text.pop_back();  // the terminating NUL
  return text;
}

}  // namespace

std::string hash_password(const config::Secret& password) {
  start_sodium();
  std::array<char, crypto_pwhash_argon2id_STRBYTES> phc{};
  if (crypto_pwhash_argon2id_str(phc.data(), bytes_of(password), password.size(), passes, memory) != 0)
    throw std::bad_alloc();
  return phc.data();
}

PasswordCheck verify_password(const std::string& phc, const config::Secret& password) {
  start_sodium();
  errno = 0;
  if (crypto_pwhash_argon2id_str_verify(phc.c_str(), bytes_of(password), password.size()) == 0)
    return PasswordCheck::matches;
  return errno == ENOMEM ? PasswordCheck::out_of_memory : PasswordCheck::differs;
}

config::Secret generate_password() {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  start_sodium();
  std::string password;
  password.reserve(generated_length);
  while (password.size() < generated_length)
    password.push_back(alphabet[randombytes_uniform(static_cast<std::uint32_t>(alphabet.size()))]);
  return config::Secret::taken_from(password);
}

std::string decoy_hash() { return decoy_hash_like("$argon2id$v=19$m=19456,t=2,p=1$"); }

std::string decoy_hash_like(std::string_view phc) {
  start_sodium();
  std::size_t cost_ends = 0;  // behind the fourth '$': name, version and parameters stand before it
  for (int dollars = 0; dollars < 4; ++dollars) {
    const std::size_t at = phc.find('$', cost_ends);
    if (at == std::string_view::npos) return decoy_hash();
    cost_ends = at + 1;
  }
  return std::string(phc.substr(0, cost_ends)) + random_base64<16>() + "$" + random_base64<32>();
}

}  // namespace saslift::auth
