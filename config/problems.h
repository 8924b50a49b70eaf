// Gathers what is wrong with a configuration while it is read, so that all of it is told at once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/load.h"

namespace saslift::config {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void error(Position at, std::string text);
  void warning(Position at, std::string text);

  [[nodiscard]] bool any_errors() const { return !errors_.empty(); }
  // In the order of the file. Either may be taken once.
  [[nodiscard]] std::vector<Problem> take_errors();
  [[nodiscard]] std::vector<Problem> take_warnings();

 private:
  std::string file_;
  std::vector<Problem> errors_;
  std::vector<Problem> warnings_;
  std::size_t untold_errors_ = 0;
};

}  // namespace saslift::config
