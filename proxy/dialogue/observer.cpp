#include "proxy/dialogue/observer.h"

#include <algorithm>

#include "auth/remedies.h"

namespace saslift::proxy {
namespace {

std::string printable(std::string_view line) {
  std::string words(line);
  std::replace_if(words.begin(), words.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return words;
}

}  // namespace

std::vector<std::string> Observer::observe(std::string_view from_server) {
  std::vector<std::string> recognised;
  if (watch_.is_refusal == nullptr) return recognised;
  std::string_view rest = from_server.substr(0, bytes_left_);
  bytes_left_ -= rest.size();
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    line_.append(rest.substr(0, std::min(end, longest_line_observed - line_.size())));
    if (end == rest.size()) break;
    line_is_complete(line_, recognised);
    line_.clear();
    rest.remove_prefix(end + 1);
  }
  return recognised;
}

std::vector<std::string> Observer::ended(std::string_view last_from_server) {
  std::vector<std::string> recognised;
  if (watch_.is_refusal == nullptr) return recognised;
  for (std::string_view rest = last_from_server; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    line_is_complete(rest.substr(0, std::min(end, longest_line_observed)), recognised);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return recognised;
}

void Observer::line_is_complete(std::string_view line, std::vector<std::string>& recognised) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!watch_.is_refusal(line)) return;
  auto remedy = auth::remedy_for(line);
  if (!remedy) return;
  token_has_expired_ = token_has_expired_ || auth::tells_token_expiry(line);
  if (std::ranges::find(causes_told_, remedy->cause) != causes_told_.end()) return;
  causes_told_.push_back(std::move(remedy->cause));
  recognised.push_back(printable(line));
}

}  // namespace saslift::proxy
