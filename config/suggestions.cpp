#include "config/suggestions.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/text_forms.h"

namespace saslift::config {
namespace {

// Longer than any word of ours; bounds the work on hostile keys.
constexpr std::size_t longest_compared = 64;

}  // namespace

// A distance is the same both ways: the two may be swapped.
// NOLINTNEXTLINE(bugprone-easily-swappable-parameters)
std::size_t edit_distance(std::string_view from, std::string_view to) {
  const std::string a = folded(from);
  const std::string b = folded(to);
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> rows((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return rows[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
      }
    }
  }
  return at(a.size(), b.size());
}

std::optional<std::string> nearest(std::string_view written, const std::vector<std::string>& words) {
  if (written.size() > longest_compared) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, std::min<std::size_t>(3, written.size() / 3)) + 1;
  for (const std::string& word : words) {
    if (word.size() > longest_compared) continue;
    const std::size_t distance = edit_distance(written, word);
    if (distance >= best_distance) continue;
    best = word;
    best_distance = distance;
  }
  return best;
}

std::string did_you_mean(std::string_view written, const std::vector<std::string>& words) {
  const auto word = nearest(written, words);
  return word ? fmt::format("; did you mean '{}'?", *word) : "";
}

}  // namespace saslift::config
