#include "auth/password_encoding.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace saslift::auth {
namespace {

constexpr unsigned char first_beyond_ascii = 0x80;

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// RFC 3629: U+0080 to U+00FF are two bytes, C2 or C3 and one of 80 to BF.
bool to_latin1(std::string_view utf8, std::string& latin1) {
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const unsigned char lead = byte_at(utf8, at);
    if (lead < first_beyond_ascii) {
      latin1.push_back(static_cast<char>(lead));
      continue;
    }
    if ((lead != 0xC2 && lead != 0xC3) || ++at == utf8.size()) return false;
    const unsigned char trail = byte_at(utf8, at);
    if (trail < 0x80 || trail > 0xBF) return false;
    latin1.push_back(static_cast<char>((lead & 0x03U) << 6U | (trail & 0x3FU)));
  }
  return true;
}

// Beyond Latin-1, but UTF-8 in form: it has no Latin-1, and taken for Latin-1 it would be gibberish.
bool looks_like_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char lead = byte_at(text, at);
    std::size_t size = 0;
    if (lead < first_beyond_ascii) {
      size = 1;
    } else if (lead >= 0xC2 && lead <= 0xDF) {
      size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      size = 3;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      size = 4;
    }
    if (size == 0 || at + size > text.size()) return false;
    for (std::size_t i = 1; i < size; ++i) {
      if ((byte_at(text, at + i) & 0xC0U) != 0x80U) return false;
    }
    at += size;
  }
  return true;
}

std::string to_utf8(std::string_view latin1) {
  std::string utf8;
  utf8.reserve(2 * latin1.size());  // never moved while it fills: no stray copy of a secret
  for (const char c : latin1) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < first_beyond_ascii) {
      utf8.push_back(c);
    } else {
      utf8.push_back(static_cast<char>(0xC0U | byte >> 6U));
      utf8.push_back(static_cast<char>(0x80U | (byte & 0x3FU)));
    }
  }
  return utf8;
}

}  // namespace

std::optional<config::Secret> in_other_encoding(const config::Secret& password) {
  const std::string_view text = password.reveal();
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < first_beyond_ascii; })) {
    return std::nullopt;
  }
  std::string latin1;
  latin1.reserve(text.size());
  if (to_latin1(text, latin1)) return config::Secret::taken_from(latin1);
  config::wipe(latin1);
  if (looks_like_utf8(text)) return std::nullopt;
  std::string utf8 = to_utf8(text);
  return config::Secret::taken_from(utf8);
}

}  // namespace saslift::auth
