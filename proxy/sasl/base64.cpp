#include "proxy/sasl/base64.h"

#include <sodium.h>

#include <algorithm>
#include <cstddef>

namespace saslift::proxy::sasl {

std::string encode_base64(std::string_view bytes) {
  // sodium_base64_encoded_len() counts the NUL that sodium_bin2base64() writes.
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

std::optional<config::Secret> decode_base64(std::string_view text) {
  // libsodium's constant-time comparison takes some bytes above 0x7F for letters of the alphabet.
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x7f; })) return std::nullopt;
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int outcome = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                        text.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL);
  const bool whole = outcome == 0 && end == text.data() + text.size();
  std::optional<config::Secret> decoded;
  if (whole) decoded.emplace(std::string_view(bytes).substr(0, size));
  config::wipe(bytes);
  return decoded;
}

}  // namespace saslift::proxy::sasl
