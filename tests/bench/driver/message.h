// The mail that is carried up and down: text that does not repeat, the same on every run, so that a
// copy anywhere can be compared with a fresh one.
#pragma once

#include <cstddef>
#include <string>

namespace saslift::bench {

// Lines end in CRLF; at least 1 KiB.
[[nodiscard]] std::string make_message(std::size_t bytes);

}  // namespace saslift::bench
