#include "config/secret_sources.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>

#include "config/suggestions.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

struct Prefix {
  std::string_view text;
  SecretSource source;
};
constexpr std::array<Prefix, 4> prefixes{{{"file", SecretSource::file},
                                          {"env", SecretSource::environment},
                                          {"credential", SecretSource::credential},
                                          {"command", SecretSource::command}}};

SecretResult refuse(std::string text) { return std::unexpected(SecretRefused{std::move(text)}); }

// A variable is overwritten once read, so a reload finds it here.
SecretResult read_environment(const std::string& name) {
  static std::map<std::string, Secret> taken;
  char* value = name.find('=') == std::string::npos ? std::getenv(name.c_str()) : nullptr;
  if (value != nullptr && *value != '\0') {
    const std::size_t size = std::strlen(value);
    taken.insert_or_assign(name, Secret::guarded({value, size}));
    wipe(value, size);
  }
  const auto known = taken.find(name);
  if (known == taken.end()) {
    return refuse(fmt::format("the environment has no {}; set it where saslift is started", in_quotes(name)));
  }
  return ReadSecret{Secret::guarded(known->second.reveal()), SecretSource::environment, {}};
}

SecretResult read_credential(const std::string& name) {
  const std::filesystem::path directory = credentials_directory();
  if (directory.empty()) {
    return refuse(
        "$CREDENTIALS_DIRECTORY is not set, and no saslift.service runs; start saslift by systemd with "
        "LoadCredential=, "
        "or use file:");
  }
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
    return refuse(
        fmt::format("{} is no name of a credential; it has no '/' and does not begin with '.'", in_quotes(name)));
  }
  auto read = read_secret_file(directory / name);
  if (read) read->source = SecretSource::credential;
  return read;
}

// Words between spaces; '...' and "..." hold one together. nullopt: a quote that does not close.
std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (const char c : line) {
    if (quote != '\0' ? c == quote : (c == '"' || c == '\'')) {
      quote = quote == '\0' ? c : '\0';
      if (!in_word) words.emplace_back();
      in_word = true;
    } else if (quote == '\0' && (c == ' ' || c == '\t')) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  if (quote != '\0') return std::nullopt;
  return words;
}

SecretResult read_command(std::string_view line, const std::filesystem::path& directory) {
  auto words = split_words(line);
  if (!words) return refuse("a quotation mark in the command does not close");
  if (words->empty() || words->front().empty()) return refuse("'command:' is followed by no command");
  std::string& program = words->front();
  if (program.find('/') != std::string::npos) program = (directory / program).lexically_normal().string();
  auto output = run_secret_command(*words, CommandLimits{});
  if (!output) return std::unexpected(std::move(output).error());
  return ReadSecret{std::move(*output), SecretSource::command, {}};
}

// "File:x" and "flie:x" would otherwise be taken as the secret itself.
std::optional<std::string> mistyped_prefix(std::string_view word) {
  std::vector<std::string> known;
  for (const Prefix& prefix : prefixes) known.emplace_back(prefix.text);
  return nearest(word, known);
}

}  // namespace

std::filesystem::path credentials_directory() {
  const char* told = std::getenv("CREDENTIALS_DIRECTORY");
  if (told != nullptr && *told != '\0') return told;
  const std::filesystem::path kept = "/run/credentials/saslift.service";
  std::error_code error;
  return std::filesystem::is_directory(kept, error) ? kept : std::filesystem::path();
}

SecretResult read_secret(const std::string& written, const std::filesystem::path& directory) {
  const auto colon = written.find(':');
  if (colon != std::string::npos) {
    const std::string_view word = std::string_view(written).substr(0, colon);
    const std::string rest = written.substr(colon + 1);
    for (const Prefix& prefix : prefixes) {
      if (word != prefix.text) continue;
      if (rest.empty()) return refuse(fmt::format("'{}:' is followed by nothing", prefix.text));
      if (prefix.source == SecretSource::file) return read_secret_file((directory / rest).lexically_normal());
      if (prefix.source == SecretSource::environment) return read_environment(rest);
      if (prefix.source == SecretSource::credential) return read_credential(rest);
      return read_command(rest, directory);
    }
    if (const auto meant = mistyped_prefix(word)) {
      return refuse(fmt::format("{} is no source of secrets; did you mean '{}:'?",
                                in_quotes(written.substr(0, colon + 1)), *meant));
    }
  }
  ReadSecret literal{Secret::guarded(written), SecretSource::literal, {}};
  literal.warnings.emplace_back("stands in the configuration itself, for all who may read it; file: keeps it apart");
  return literal;
}

}  // namespace saslift::config
