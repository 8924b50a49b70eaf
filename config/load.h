// Reads a configuration file into Settings. All semantic problems are reported at once, each with its
// place and what to do; of syntax errors the first. Secret files are read here, with their modes checked.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.h"
#include "config/settings.h"

namespace saslift::config {

inline constexpr std::size_t largest_configuration = 1024 * 1024;

struct Problem {
  std::string file;
  unsigned line = 0;  // 0: the file as a whole
  unsigned column = 0;
  std::string text;  // what, and what to do

  // "saslift.toml:12:1: unknown key 'pasword'; did you mean 'password'?"
  [[nodiscard]] std::string message() const;
};

struct Loaded {
  Settings settings;
  std::vector<Problem> warnings;
};

using LoadResult = std::expected<Loaded, std::vector<Problem>>;

[[nodiscard]] LoadResult load(const std::string& path);
// The same from text; `path` names it in messages and anchors relative file names.
[[nodiscard]] LoadResult load_text(std::string_view toml, const std::string& path,
                                   const Environment& environment = process_environment());

// [service] alone, for those who only look for the running saslift: other sections, and with them their secrets and
// commands, are not read. What is wrong in it is left out, and told by load().
[[nodiscard]] std::expected<Service, std::vector<Problem>> load_service(const std::string& path);

// --config, else /etc/saslift/saslift.toml, else ./saslift.toml.
[[nodiscard]] std::string default_path();

}  // namespace saslift::config
