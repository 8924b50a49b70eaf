// Whether bytes are one CBOR item (RFC 8949) of the narrow kind that frames use: whole numbers, definite
// text, arrays, maps with text keys, true and false. Asked before a decoder sees them: nesting and lengths
// that a hostile worker could use to exhaust the keeper's stack or memory end here.
#pragma once

#include <string_view>

namespace saslift::auth {

[[nodiscard]] bool is_plain_cbor(std::string_view bytes);

}  // namespace saslift::auth
