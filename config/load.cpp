#include "config/load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "config/document.h"
#include "config/problems.h"
#include "config/sections.h"
#include "config/suggestions.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

constexpr std::string_view system_path = "/etc/saslift/saslift.toml";
constexpr std::string_view local_path = "./saslift.toml";

std::unexpected<std::vector<Problem>> refuse(const std::string& path, std::string text) {
  return std::unexpected(std::vector{Problem{path, 0, 0, std::move(text)}});
}

std::string too_large() { return "is over 1 MiB; no configuration needs that"; }

void check_sections(const Table& root, Problems& problems) {
  static const std::vector<std::string> sections{"service", "log", "identity", "account", "listener", "provider"};
  for (const Entry& entry : root.entries) {
    if (std::ranges::find(sections, entry.key) != sections.end()) continue;
    const std::string suggestion = did_you_mean(entry.key, sections);
    problems.error(entry.at,
                   fmt::format("unknown {} {}{}", std::holds_alternative<Table>(entry.value.what) ? "section" : "key",
                               in_quotes(entry.key),
                               suggestion.empty() ? "; there are: [service], [log], [provider.NAME], "
                                                    "[identity.NAME], [account.NAME], [[listener]]"
                                                  : suggestion));
  }
}

// A file with the text of the configuration, and what is wrong with the file itself.
struct FileText {
  std::string text;
  bool writable_by_all = false;
};

std::expected<FileText, std::string> read_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return std::unexpected(std::generic_category().message(errno));
  FileText result;
  struct stat status{};
  if (fstat(file, &status) == 0) result.writable_by_all = (status.st_mode & S_IWOTH) != 0 && S_ISREG(status.st_mode);
  result.text.resize(largest_configuration + 1);
  std::size_t size = 0;
  while (size < result.text.size()) {
    const ssize_t got = read(file, result.text.data() + size, result.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      close(file);
      return std::unexpected(std::generic_category().message(error));
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  close(file);
  result.text.resize(size);
  return result;
}

std::unexpected<std::vector<Problem>> refuse_file(const std::string& path, const std::string& why) {
  return refuse(path, fmt::format("cannot be read: {}; --config names another file", why));
}

std::unexpected<std::vector<Problem>> refuse_syntax(const std::string& path, const SyntaxError& error) {
  return std::unexpected(std::vector{Problem{path, error.at.line, error.at.column, error.text}});
}

std::filesystem::path directory_of(const std::string& path) { return std::filesystem::absolute(path).parent_path(); }

}  // namespace

LoadResult load_text(std::string_view toml, const std::string& path, const Environment& environment) {
  if (toml.size() > largest_configuration) return refuse(path, too_large());
  const auto root = parse_document(toml);
  if (!root) return refuse_syntax(path, root.error());
  Problems problems(path);
  const std::filesystem::path directory = directory_of(path);
  const Reading reading{*root, directory, environment, problems};
  check_sections(*root, problems);
  Loaded loaded;
  loaded.settings.path = path;
  loaded.settings.service = read_service(reading);
  loaded.settings.log = read_log(reading);
  Identities identities = read_identities(reading);
  loaded.settings.accounts = read_accounts(reading, identities);
  loaded.settings.identities = std::move(identities.usable);
  loaded.settings.listeners = read_listeners(reading);
  check_trusted(reading, loaded.settings.accounts, loaded.settings.listeners);
  if (problems.any_errors()) return std::unexpected(problems.take_errors());
  loaded.warnings = problems.take_warnings();
  return loaded;
}

LoadResult load(const std::string& path) {
  auto file = read_file(path);
  if (!file) return refuse_file(path, file.error());
  auto loaded = load_text(file->text, path);
  wipe(file->text);  // a client secret may stand in it
  if (loaded && file->writable_by_all) {
    loaded->warnings.push_back({path, 0, 0, "may be changed by everybody on this machine; chmod o-w it"});
  }
  return loaded;
}

std::expected<Service, std::vector<Problem>> load_service(const std::string& path) {
  auto file = read_file(path);
  if (!file) return refuse_file(path, file.error());
  if (file->text.size() > largest_configuration) return refuse(path, too_large());
  const auto root = parse_document(file->text);
  wipe(file->text);
  if (!root) return refuse_syntax(path, root.error());
  Problems problems(path);
  const std::filesystem::path directory = directory_of(path);
  const Environment environment = process_environment();
  return read_service({*root, directory, environment, problems});
}

std::string default_path() { return std::string(access(system_path.data(), F_OK) == 0 ? system_path : local_path); }

}  // namespace saslift::config
