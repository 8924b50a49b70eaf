#include "proxy/keeper/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

namespace saslift::proxy::keeper {
namespace {

using Done = std::expected<void, std::string>;

constexpr std::string_view state_name = "state";
constexpr std::string_view previous_name = "state.previous";
constexpr std::string_view new_name = "state.new";
constexpr std::string_view key_name = "state.key";
constexpr std::string_view new_key_name = "state.key.new";
constexpr std::string_view lock_name = "state.lock";
constexpr std::size_t largest_file = 64UL * 1024 * 1024;

std::unexpected<std::string> failed(std::string_view what, const std::string& path) {
  return std::unexpected(fmt::format("{} {}: {}", what, path, std::strerror(errno)));
}

struct FileContent {
  bool exists = false;
  config::Secret bytes;
  std::string error;  // not empty: it is there and cannot be read
};

FileContent unreadable(std::string error) { return {.exists = true, .bytes = {}, .error = std::move(error)}; }

FileContent read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return {};
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return unreadable(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return unreadable("it is not a file");
  if (static_cast<std::size_t>(status.st_size) > largest_file) return unreadable("it is too large");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      config::wipe(bytes);
      return unreadable(std::strerror(errno));
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return {.exists = true, .bytes = config::Secret::taken_from(bytes), .error = {}};
}

std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool opens(const FileContent& content, const auth::StateKey& key) {
  return content.exists && content.error.empty() && auth::open_sealed(content.bytes.reveal(), key).has_value();
}

// A save does not replace what it cannot open; the name says when it was put aside.
std::string name_aside(std::string_view name, int attempt) {
  return fmt::format("{}.unreadable-{}{}", name, std::time(nullptr), attempt == 0 ? "" : fmt::format("-{}", attempt));
}

// A command of root's writes for a keeper that has become another user.
[[nodiscard]] bool give_to_owner_of(const std::string& directory, int file) {
  struct stat status{};
  if (::geteuid() != 0 || ::stat(directory.c_str(), &status) != 0 || status.st_uid == 0) return true;
  return ::fchown(file, status.st_uid, status.st_gid) == 0;
}

bool links_unsupported(int error) {
  return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
}

}  // namespace

struct StateFile::OwnKey {
  auth::StateKey key;
  config::Secret material;
  std::string_view name;  // of its file; empty: it is configured
};

// One of the two files that may hold the state.
struct StateFile::Generation {
  bool exists = false;
  std::optional<auth::KeptState> kept;
  std::string flaw;  // why not
};
struct StateFile::Generations {
  Generation state;
  Generation previous;
};

std::string StateFile::path(std::string_view name) const { return fmt::format("{}/{}", directory_, name); }

std::expected<void, LockError> StateFile::lock() {
  if (lock_) return {};
  const auto impossible = [](std::string detail) {
    return std::unexpected(LockError{LockFailure::impossible, std::move(detail)});
  };
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
    return impossible(fmt::format("making {}: {}", directory_, std::strerror(errno)));
  Descriptor file(::open(path(lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
  if (!file || !give_to_owner_of(directory_, file.get()))
    return impossible(fmt::format("opening {}: {}", path(lock_name), std::strerror(errno)));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return impossible(fmt::format("locking {}: {}", path(lock_name), std::strerror(errno)));
    return std::unexpected(
        LockError{LockFailure::in_use, fmt::format("{} is in use by another saslift; stop that one, or give this one a "
                                                   "state_dir of its own",
                                                   directory_)});
  }
  lock_ = std::move(file);
  return {};
}

// state.key; and behind it the one that a reseal did not come to put in its place.
std::vector<StateFile::OwnKey> StateFile::own_keys() {
  std::vector<OwnKey> keys;
  for (const std::string_view name : {key_name, new_key_name}) {
    const FileContent content = read_file(path(name));
    const std::string_view material = without_line_end(content.bytes.reveal());
    if (auto key = auth::StateKey::made_from(material)) {
      keys.push_back({.key = std::move(*key), .material = config::Secret::guarded(material), .name = name});
    } else if (content.exists && name == key_name) {
      aside_.emplace_back(name);
    }
  }
  return keys;
}

auth::OpenedState StateFile::open(const config::Secret& configured_key) {
  aside_.clear();
  unwritten_key_ = {};
  std::vector<OwnKey> keys;
  if (auto configured = auth::StateKey::made_from(configured_key.reveal())) {
    keys.push_back({.key = std::move(*configured), .material = {}, .name = {}});
  } else {
    keys = own_keys();
  }
  const FileContent state = read_file(path(state_name));
  const FileContent previous = read_file(path(previous_name));
  std::erase_if(keys, [&](const OwnKey& key) {  // left over, unless it opens what is there
    return key.name == new_key_name && !opens(state, key.key) && !opens(previous, key.key);
  });
  const bool no_key = keys.empty();
  if (no_key) {
    config::Secret material = auth::StateKey::new_material();
    auto key = auth::StateKey::made_from(material.reveal());
    keys.push_back({.key = std::move(*key), .material = std::move(material), .name = new_key_name});
  }
  const std::size_t best = opens(state, keys.back().key) ? keys.size() - 1 : 0;
  OwnKey& key = keys[best];
  auth::OpenedState opened{.key = key.key.copy(), .kept = {}, .unreadable = {}, .suspect = {}};
  const auto look_at = [&](const FileContent& content) {
    Generation found{.exists = content.exists, .kept = {}, .flaw = "is missing"};
    if (!content.error.empty()) found.flaw = "cannot be read: " + content.error;
    if (!content.exists || !content.error.empty()) return found;
    auto kept = auth::open_sealed(content.bytes.reveal(), key.key);
    if (!kept) found.flaw = words_for(kept.error());
    if (kept) found.kept = std::move(*kept);
    return found;
  };
  choose(opened, {.state = look_at(state), .previous = look_at(previous)});
  if (no_key && !opened.unreadable.empty()) {
    opened.unreadable = fmt::format("{} {}, and with it the key of {}; restore it from a backup", path(key_name),
                                    aside_.front() == key_name ? "holds no key" : "is missing", path(state_name));
  }
  if (key.name == new_key_name) unwritten_key_ = std::move(key.material);
  return opened;
}

void StateFile::choose(auth::OpenedState& opened, Generations found) {
  auto& [state, previous] = found;
  state_opens_ = state.kept.has_value();
  if (!state.exists && !previous.exists) return;
  if (state.exists && !state.kept) aside_.emplace_back(state_name);
  if (previous.exists && !previous.kept && !state.kept) aside_.emplace_back(previous_name);
  if (!state.kept && !previous.kept) {
    opened.unreadable = state.exists ? fmt::format("{} {}", path(state_name), state.flaw)
                                     : fmt::format("{} {}", path(previous_name), previous.flaw);
    return;
  }
  const bool rolled_back = state.kept && previous.kept && state.kept->generation < previous.kept->generation;
  if (state.kept && !rolled_back) {
    opened.kept = std::move(*state.kept);
    return;
  }
  opened.suspect = fmt::format("{} {}", path(state_name), rolled_back ? "is older than state.previous" : state.flaw);
  opened.kept = std::move(*previous.kept);
}

Done StateFile::save(std::string_view sealed) {
  if (auto held = lock(); !held) return std::unexpected(std::move(held.error().detail));
  if (auto written = write({.name = new_name, .bytes = sealed}); !written) return written;
  if (auto kept = keep_aside(); !kept) return kept;
  if (!unwritten_key_.empty()) {
    if (auto written = write_in_place({.name = key_name, .bytes = unwritten_key_.reveal()}); !written) return written;
  }
  if (auto kept = keep_previous(); !kept) return kept;
  if (auto renamed = rename_onto(new_name, state_name); !renamed) return renamed;
  state_opens_ = true;
  aside_.clear();
  unwritten_key_ = {};
  return force_directory();
}

Done StateFile::save_with_new_key(std::string_view sealed, const config::Secret& material) {
  if (auto held = lock(); !held) return std::unexpected(std::move(held.error().detail));
  if (auto written = write({.name = new_key_name, .bytes = material.reveal()}); !written) return written;
  if (auto forced = force_directory(); !forced) return forced;
  unwritten_key_ = {};
  if (auto saved = save(sealed); !saved) return saved;
  if (auto renamed = rename_onto(new_key_name, key_name); !renamed) return renamed;
  return force_directory();
}

Done StateFile::forget_previous() { return forget(previous_name); }
Done StateFile::forget_own_key() { return forget(key_name); }

Done StateFile::forget(std::string_view name) const {
  if (::unlink(path(name).c_str()) != 0 && errno != ENOENT) return failed("removing", path(name));
  return force_directory();
}

Done StateFile::write(const NewFile& made) const {
  const std::string to = path(made.name);
  if (::unlink(to.c_str()) != 0 && errno != ENOENT) return failed("removing", to);
  Descriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || !give_to_owner_of(directory_, file.get())) return failed("writing", to);
  for (std::string_view bytes = made.bytes; !bytes.empty();) {
    const ssize_t wrote = ::write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("writing", to);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (::fsync(file.get()) != 0) return failed("writing", to);
  if (::close(file.release()) != 0) return failed("writing", to);
  return {};
}

Done StateFile::write_in_place(const NewFile& made) const {
  const std::string beside = fmt::format("{}.new", made.name);
  if (auto written = write({.name = beside, .bytes = made.bytes}); !written) return written;
  if (auto renamed = rename_onto(beside, made.name); !renamed) return renamed;
  return force_directory();
}

Done StateFile::keep_aside() const {
  for (const std::string& name : aside_) {
    for (int attempt = 0; ::link(path(name).c_str(), path(name_aside(name, attempt)).c_str()) != 0; ++attempt) {
      if (errno == ENOENT) break;
      if (errno == EEXIST) continue;
      if (!links_unsupported(errno)) return failed("keeping aside", path(name));
      if (::rename(path(name).c_str(), path(name_aside(name, attempt)).c_str()) == 0) break;
      return failed("keeping aside", path(name));
    }
  }
  return {};
}

// A link, so that there is a `state` at every moment; where the file system has none, `state` is missing between
// two renames, and the previous one stands in.
Done StateFile::keep_previous() const {
  if (!state_opens_) return {};
  const std::string beside = path(fmt::format("{}.new", previous_name));
  if (::unlink(beside.c_str()) != 0 && errno != ENOENT) return failed("removing", beside);
  if (::link(path(state_name).c_str(), beside.c_str()) == 0)
    return rename_onto(fmt::format("{}.new", previous_name), previous_name);
  if (errno == ENOENT) return {};
  if (links_unsupported(errno)) return rename_onto(state_name, previous_name);
  return failed("keeping the previous", path(state_name));
}

Done StateFile::rename_onto(std::string_view from, std::string_view to) const {
  if (::rename(path(from).c_str(), path(to).c_str()) != 0) return failed("renaming", path(from));
  return {};
}

Done StateFile::force_directory() const {
  const Descriptor directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return failed("opening", directory_);
  // EINVAL: a file system that has nothing to force.
  if (::fsync(directory.get()) != 0 && errno != EINVAL) return failed("forcing to disk", directory_);
  return {};
}

}  // namespace saslift::proxy::keeper
