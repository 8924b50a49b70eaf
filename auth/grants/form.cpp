#include "auth/grants/form.h"

namespace saslift::auth {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& body, std::string_view value) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : value) {
    if (is_unreserved(c)) {
      body.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    body.push_back('%');
    body.push_back(digits[byte >> 4U]);
    body.push_back(digits[byte & 0xFU]);
  }
}

// -1: none.
int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

config::Secret encode_form(std::span<const FormField> fields) {
  std::size_t most = 0;
  for (const FormField& field : fields) most += 2 + 3 * (field.name.size() + field.value.size());
  std::string body;
  body.reserve(most);
  for (const FormField& field : fields) {
    if (!body.empty()) body.push_back('&');
    append_encoded(body, field.name);
    body.push_back('=');
    append_encoded(body, field.value);
  }
  return config::Secret::taken_from(body);
}

config::Secret url_encoded(std::string_view value) {
  std::string text;
  text.reserve(3 * value.size() + 1);
  append_encoded(text, value);
  return config::Secret::taken_from(text);
}

std::optional<config::Secret> url_decoded(std::string_view text) {
  std::string value;
  value.reserve(text.size() + 1);
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '%') {
      value.push_back(text.front() == '+' ? ' ' : text.front());
      continue;
    }
    const int high = text.size() > 2 ? hexadecimal(text[1]) : -1;
    const int low = text.size() > 2 ? hexadecimal(text[2]) : -1;
    if (high < 0 || low < 0) {
      config::wipe(value);
      return std::nullopt;
    }
    value.push_back(static_cast<char>(high * 16 + low));
    text.remove_prefix(2);
  }
  return config::Secret::taken_from(value);
}

}  // namespace saslift::auth
