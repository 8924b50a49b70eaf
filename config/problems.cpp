#include "config/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace saslift::config {
namespace {

// Nobody reads more, and a hostile file must not turn into a hundred times its size.
constexpr std::size_t most_told = 100;

void sort_by_place(std::vector<Problem>& problems) {
  std::ranges::stable_sort(
      problems, {}, [](const Problem& problem) { return std::tuple(problem.line == 0, problem.line, problem.column); });
}

}  // namespace

std::string Problem::message() const {
  if (line == 0) return fmt::format("{}: {}", file, text);
  return fmt::format("{}:{}:{}: {}", file, line, column, text);
}

void Problems::error(Position at, std::string text) {
  if (errors_.size() == most_told) {
    ++untold_errors_;
  } else {
    errors_.push_back({file_, at.line, at.column, std::move(text)});
  }
}

void Problems::warning(Position at, std::string text) {
  if (warnings_.size() < most_told) warnings_.push_back({file_, at.line, at.column, std::move(text)});
}

std::vector<Problem> Problems::take_errors() {
  sort_by_place(errors_);
  if (untold_errors_ > 0) errors_.push_back({file_, 0, 0, fmt::format("and {} more problems", untold_errors_)});
  return std::exchange(errors_, {});
}

std::vector<Problem> Problems::take_warnings() {
  sort_by_place(warnings_);
  return std::exchange(warnings_, {});
}

}  // namespace saslift::config
