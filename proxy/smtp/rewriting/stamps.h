// What a message lacks that a device without a clock or a name sends.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace saslift::proxy::smtp::rewriting {

// RFC 5322 3.3, in UTC: "Tue, 24 Nov 2026 15:00:00 +0000".
[[nodiscard]] std::string date_of(std::chrono::system_clock::time_point time);
// "<random@domain of the mailbox>".
[[nodiscard]] std::string new_message_id(std::string_view mailbox);

}  // namespace saslift::proxy::smtp::rewriting
