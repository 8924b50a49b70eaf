#include "proxy/keeper/reseal.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "config/secret_sources.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/subcommands.h"

namespace saslift::proxy::commands {
namespace {

std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::expected<config::Secret, std::string> read_old_key(const ResealOptions& options,
                                                        const std::string& configuration) {
  if (options.from.empty()) return config::Secret();
  const auto directory = std::filesystem::absolute(configuration).parent_path();
  auto read = config::read_secret(options.from, directory);
  if (!read) return std::unexpected(read.error().text);
  if (read->source == config::SecretSource::literal)
    return std::unexpected("it names where the key is: file:, env: or credential:");
  return config::Secret::guarded(without_line_end(read->bytes.reveal()));
}

}  // namespace

int reseal(const ResealOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) {
    print_problems(loaded.error());
    return wrong_use;
  }
  const auto old_key = read_old_key(options, loaded->settings.path);
  if (!old_key) {
    fmt::print(stderr, "saslift reseal: --from: {}\n", old_key.error());
    return wrong_use;
  }
  const auto resealed = keeper::reseal(loaded->settings.service, *old_key);
  if (options.output == Output::json) {
    nlohmann::ordered_json object{{"ok", resealed.has_value()}};
    if (resealed) {
      object["sign_ins"] = resealed->sign_ins;
      object["note"] = resealed->note;
    } else {
      object["error"] = resealed.error();
    }
    fmt::print(stdout, "{}\n", object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  } else if (resealed) {
    fmt::print(stdout, "resealed: {} sign-in{}{}{}\n", resealed->sign_ins, resealed->sign_ins == 1 ? "" : "s",
               resealed->note.empty() ? "" : "; ", resealed->note);
  } else {
    fmt::print(stderr, "saslift reseal: {}\n", resealed.error());
  }
  return resealed ? yes : no;
}

}  // namespace saslift::proxy::commands
