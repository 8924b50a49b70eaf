// What a server's line means before login (RFC 9051 section 7).
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"

namespace saslift::proxy::imap {

enum class ResponseKind { untagged, continuation, tagged, malformed };

struct Response {
  ResponseKind kind = ResponseKind::malformed;
  std::string_view tag;   // of a tagged one
  std::string name;       // "OK", "NO", "CAPABILITY"; upper case
  std::string code;       // "UNAVAILABLE" of "NO [UNAVAILABLE] ..."; upper case, without its arguments
  std::string_view text;  // behind the name, or behind "+ "
};
// Its views are into the line.
[[nodiscard]] Response parse_response(std::string_view line);

// What of a capability list matters to us.
struct Capabilities {
  bool starttls = false;
  bool initial_response = false;  // SASL-IR, RFC 4959
  bool mechanism = false;         // the one asked about
};
// `words` as behind "CAPABILITY "; `mechanism` as "XOAUTH2".
[[nodiscard]] Capabilities parse_capabilities(std::string_view words, config::Mechanism mechanism);
// Those of a "[CAPABILITY ...]" code; empty: there is none.
[[nodiscard]] std::string_view capabilities_in_code(const Response& response);

// Whether a NO or BAD says "later" rather than "no".
[[nodiscard]] bool is_temporary(const Response& response);

}  // namespace saslift::proxy::imap
