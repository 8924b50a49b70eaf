// "did you mean": the word nearest to what was written, where one is near enough to be a slip.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saslift::config {

// Letters added, dropped, changed, or swapped with their neighbour; case does not count.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

[[nodiscard]] std::optional<std::string> nearest(std::string_view written, const std::vector<std::string>& words);

// "; did you mean 'password'?", or "" where nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view written, const std::vector<std::string>& words);

}  // namespace saslift::config
