#include "proxy/imap/responses.h"

#include <algorithm>

#include "proxy/imap/grammar.h"
#include "proxy/sasl/bearer.h"

namespace saslift::proxy::imap {
namespace {

// The next word and the space behind it leave the text.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

std::string code_in(std::string_view text) {
  if (!text.starts_with('[')) return {};
  text = text.substr(1, text.find(']') - 1);
  return upper_case(text.substr(0, text.find(' ')));
}

}  // namespace

Response parse_response(std::string_view line) {
  Response response;
  if (line.starts_with('+')) {
    line.remove_prefix(line.starts_with("+ ") ? 2 : 1);
    response.kind = ResponseKind::continuation;
    response.text = line;
    return response;
  }
  response.tag = take_word(line);
  response.name = upper_case(take_word(line));
  response.text = line;
  if (response.tag.empty() || response.name.empty()) return response;
  response.kind = response.tag == "*" ? ResponseKind::untagged : ResponseKind::tagged;
  response.code = code_in(line);
  return response;
}

Capabilities parse_capabilities(std::string_view words, config::Mechanism mechanism) {
  Capabilities found;
  const std::string wanted = "AUTH=" + std::string(sasl::name_of(mechanism));
  while (!words.empty()) {
    const std::string word = upper_case(take_word(words));
    if (word == "STARTTLS") found.starttls = true;
    if (word == "SASL-IR") found.initial_response = true;
    if (word == wanted) found.mechanism = true;
  }
  return found;
}

std::string_view capabilities_in_code(const Response& response) {
  if (response.code != "CAPABILITY") return {};
  std::string_view words = response.text.substr(1, response.text.find(']') - 1);
  take_word(words);
  return words;
}

bool is_temporary(const Response& response) {
  // RFC 9051 section 7.1, RFC 5530.
  for (const std::string_view code : {"UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"}) {
    if (response.code == code) return true;
  }
  // Exchange: "Request is throttled. Suggested Backoff Time: ..."; Gmail: "[ALERT] Too many simultaneous
  // connections", "[ALERT] Account exceeded command or bandwidth limits".
  const std::string text = upper_case(response.text);
  for (const std::string_view words :
       {"THROTTLED", "TOO MANY SIMULTANEOUS", "BANDWIDTH LIMITS", "TRY AGAIN LATER", "TEMPORAR"}) {
    if (text.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace saslift::proxy::imap
