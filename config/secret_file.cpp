#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "config/secret_sources.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

bool is_own_group(gid_t group) {
  if (group == getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, getgroups(0, nullptr))));
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(0, count)));
  return std::ranges::find(groups, group) != groups.end();
}

bool lies_under(const std::filesystem::path& path, const std::filesystem::path& directory) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  if (error) return false;
  const auto base = std::filesystem::canonical(directory, error);
  if (error) return false;
  return std::mismatch(base.begin(), base.end(), real.begin(), real.end()).first == base.end();
}

// Where the platform puts secrets and decides itself who gets there.
bool is_secret_place(int descriptor, const std::filesystem::path& path) {
  struct statfs system{};
  if (fstatfs(descriptor, &system) == 0) {
    // systemd's credentials are a ramfs where tmpfs could be swapped out.
    if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC) return true;
  }
  const std::filesystem::path credentials = credentials_directory();
  if (!credentials.empty() && lies_under(path, credentials)) return true;
  return lies_under(path, "/run/secrets") || lies_under(path, "/var/run/secrets");
}

enum class Access { fine, readable_by_all, refused };

struct Judgement {
  Access access = Access::fine;
  std::string_view who;
  std::string_view remedy;
};

Judgement judge(const struct stat& status, bool secret_place) {
  const bool own_group = is_own_group(status.st_gid);
  if ((status.st_mode & S_IWOTH) != 0) return {Access::refused, "may be written by everybody", "chmod o-w"};
  if ((status.st_mode & S_IWGRP) != 0 && !own_group) {
    return {Access::refused, "may be written by a group that is not saslift's", "chmod g-w"};
  }
  if ((status.st_mode & S_IROTH) != 0) {
    return {secret_place ? Access::readable_by_all : Access::refused, "may be read by everybody", "chmod o-r"};
  }
  if ((status.st_mode & S_IRGRP) != 0 && !own_group && !secret_place) {
    return {Access::refused, "may be read by a group that is not saslift's", "chmod g-r"};
  }
  return {};
}

Judgement judge_public(const struct stat& status) {
  if ((status.st_mode & S_IWOTH) != 0) return {Access::refused, "may be written by everybody", "chmod o-w"};
  return {};
}

std::optional<Secret> read_all(int descriptor) {
  std::array<char, largest_secret + 1> buffer;
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t got = read(descriptor, buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      wipe(buffer.data(), size);
      return std::nullopt;
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  Secret secret = Secret::guarded({buffer.data(), size});
  wipe(buffer.data(), size);
  return secret;
}

enum class Readers { few, anybody };

SecretResult refuse(const std::filesystem::path& path, std::string_view what) {
  return std::unexpected(SecretRefused{fmt::format("{} {}", in_quotes(path.string()), what)});
}

SecretResult read_file(const std::filesystem::path& path, Readers readers) {
  // O_NONBLOCK: a FIFO must not stop the start.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (file.number() < 0 || fstat(file.number(), &status) != 0) {
    return refuse(path, fmt::format("cannot be read: {}", std::generic_category().message(errno)));
  }
  if (!S_ISREG(status.st_mode)) return refuse(path, "is not a file");
  const Judgement judgement =
      readers == Readers::few ? judge(status, is_secret_place(file.number(), path)) : judge_public(status);
  if (judgement.access == Access::refused) {
    return refuse(path, fmt::format("{}; {} it", judgement.who, judgement.remedy));
  }
  auto bytes = read_all(file.number());
  if (!bytes) return refuse(path, fmt::format("cannot be read: {}", std::generic_category().message(errno)));
  if (bytes->size() > largest_secret) return refuse(path, "is over 64 KiB; that is no secret");
  ReadSecret read{std::move(*bytes), SecretSource::file, {}};
  if (judgement.access == Access::readable_by_all) {
    read.warnings.push_back(
        fmt::format("{} {}; better: {} it", in_quotes(path.string()), judgement.who, judgement.remedy));
  }
  return read;
}

}  // namespace

SecretResult read_secret_file(const std::filesystem::path& path) { return read_file(path, Readers::few); }

SecretResult read_public_file(const std::filesystem::path& path) { return read_file(path, Readers::anybody); }

}  // namespace saslift::config
