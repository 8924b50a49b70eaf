// The head of an HTTP/1.1 request (RFC 9112): its request line and header fields. Who asks is anybody. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saslift::proxy::http {

struct Field {
  std::string name;  // lower case
  std::string_view value;
};

// Views into the bytes it was read from.
struct RequestHead {
  std::string_view method;
  std::string_view path;   // begins with '/'
  std::string_view query;  // what follows the first '?'
  std::vector<Field> fields;
};

enum class HeadFault : std::uint8_t { not_http, bad_field, too_long };

// nullopt: not all of it is there yet. What follows the head is not looked at.
[[nodiscard]] std::expected<std::optional<RequestHead>, HeadFault> read_request_head(std::string_view bytes,
                                                                                     std::size_t longest);

}  // namespace saslift::proxy::http
