#include "proxy/dialogue/observer.h"

#include <algorithm>
#include <utility>

#include "auth/remedies.h"
#include "proxy/dialogue/printable.h"

namespace saslift::proxy {
namespace {

std::string without_cr(std::string line) {
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

std::vector<std::string> Observer::observe(std::string_view from_server) {
  std::vector<std::string> recognised;
  if (watch_.is_refusal == nullptr) return recognised;
  std::string_view rest = from_server.substr(0, bytes_left_);
  bytes_left_ -= rest.size();
  while (!rest.empty()) {
    const std::size_t literal = std::min(literal_left_, rest.size());
    literal_left_ -= literal;
    rest.remove_prefix(literal);
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view piece = rest.substr(0, end);
    line_.append(piece.substr(0, longest_line_observed - line_.size()));
    line_end_.append(piece.substr(piece.size() - std::min(piece.size(), line_end_observed)));
    if (line_end_.size() > line_end_observed) line_end_.erase(0, line_end_.size() - line_end_observed);
    if (end == rest.size()) break;
    line_is_complete(recognised);
    rest.remove_prefix(end + 1);
  }
  return recognised;
}

void Observer::line_is_complete(std::vector<std::string>& recognised) {
  const std::string line = without_cr(std::exchange(line_, {}));
  const std::string line_end = without_cr(std::exchange(line_end_, {}));
  if (in_text_ || (watch_.is_status != nullptr && !watch_.is_status(line))) {
    in_text_ = line != ".";
    return;
  }
  if (watch_.literal_behind != nullptr) literal_left_ = watch_.literal_behind(line_end);
  judge(line, recognised);
}

std::vector<std::string> Observer::ended(std::string_view last_from_server) {
  std::vector<std::string> recognised;
  if (watch_.is_refusal == nullptr) return recognised;
  for (std::string_view rest = last_from_server; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    judge(without_cr(std::string(rest.substr(0, std::min(end, longest_line_observed)))), recognised);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return recognised;
}

void Observer::judge(std::string_view line, std::vector<std::string>& recognised) {
  if (!watch_.is_refusal(line)) return;
  auto remedy = auth::remedy_for(line);
  if (!remedy) return;
  token_has_expired_ = token_has_expired_ || auth::tells_token_expiry(line);
  if (std::ranges::find(causes_told_, remedy->cause) != causes_told_.end()) return;
  causes_told_.push_back(std::move(remedy->cause));
  recognised.push_back(printable(line));
}

}  // namespace saslift::proxy
