// Where a secret comes from: file:, env:, credential:, command:, or the text itself. Messages name the
// source, never a byte of what it holds.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.h"

namespace saslift::config {

inline constexpr std::size_t largest_secret = 64 * 1024;

enum class SecretSource { file, environment, credential, command, literal };

struct ReadSecret {
  Secret bytes;  // as they came: nothing stripped
  SecretSource source = SecretSource::literal;
  std::vector<std::string> warnings;
};

struct SecretRefused {
  std::string text;  // what, and what to do
};

using SecretResult = std::expected<ReadSecret, SecretRefused>;

// `directory` anchors relative file names.
[[nodiscard]] SecretResult read_secret(const std::string& written, const std::filesystem::path& directory);

// $CREDENTIALS_DIRECTORY, else where systemd keeps what it gave to a saslift.service that runs: there root's own
// commands find it. Empty: neither is there.
[[nodiscard]] std::filesystem::path credentials_directory();

// secret_file.cpp. That directory counts among the places that keep secrets from others by themselves.
[[nodiscard]] SecretResult read_secret_file(const std::filesystem::path& path);

// The same without a look at who may read it.
[[nodiscard]] SecretResult read_public_file(const std::filesystem::path& path);

// secret_command.cpp
struct CommandLimits {
  std::chrono::milliseconds time{10'000};
  std::size_t output = largest_secret;
};
[[nodiscard]] std::expected<Secret, SecretRefused> run_secret_command(const std::vector<std::string>& words,
                                                                      CommandLimits limits);

}  // namespace saslift::config
