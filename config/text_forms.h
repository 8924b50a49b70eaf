// What a piece of the operator's text looks like: names, host names, addresses, GUIDs, durations. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace saslift::config {

// ASCII letters in lower case.
[[nodiscard]] std::string folded(std::string_view text);
// In single quotes for a message: control characters escaped, cut at 64 bytes.
[[nodiscard]] std::string in_quotes(std::string_view text);
[[nodiscard]] bool has_control_character(std::string_view text);

// Of [account.NAME], and of any TOML key without quotes.
[[nodiscard]] bool is_name_character(char c);
// [account.NAME]: letters, digits, '-' and '_', at most 64.
[[nodiscard]] bool is_plain_name(std::string_view text);
// The nearest plain name to `text`: "scans@contoso.com" -> "scans".
[[nodiscard]] std::string plain_name_from(std::string_view text);
// What to write instead of [section.name], where `name` is no plain one.
[[nodiscard]] std::string advice_on_name(std::string_view section, std::string_view name);

// Letters, digits and '-' between dots (RFC 1123 2.1).
[[nodiscard]] bool is_host_name(std::string_view text);
// local@domain, without spaces and controls.
[[nodiscard]] bool is_mail_address(std::string_view text);
[[nodiscard]] bool is_guid(std::string_view text);

// "500ms", "25s", "2m", "1h".
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The host of "https://host[:port]/path", lower case; nullopt: no such URL, or one with user, query or fragment.
[[nodiscard]] std::optional<std::string> host_of_https_url(std::string_view url);

}  // namespace saslift::config
