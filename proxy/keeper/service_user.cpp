#include "proxy/keeper/service_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "proxy/keeper/process_limits.h"

namespace saslift::proxy::keeper {
namespace {

// What root may lock, so that secrets stay out of the swap for the user too.
constexpr rlim_t lockable_memory = 64UL * 1024 * 1024;

}  // namespace

std::expected<ServiceUser, std::string> service_user(const std::string& name) {
  errno = 0;
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) {
    return std::unexpected(fmt::format("user = \"{}\": this host has no such user; useradd --system {}", name, name));
  }
  ServiceUser user{name, entry->pw_uid, entry->pw_gid};
  if (::geteuid() != 0 && ::geteuid() != user.uid) {
    return std::unexpected(
        fmt::format("user = \"{}\": only root can become another user; start saslift as root or as {}", name, name));
  }
  return user;
}

std::expected<void, std::string> hand_over_directory(const std::string& path, const ServiceUser& user) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (::lchown(path.c_str(), user.uid, user.gid) == 0) return {};
    return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  if (errno != EEXIST) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  if (status.st_uid == user.uid) return {};
  return std::unexpected(fmt::format("state_dir {} is not {}'s; chown -R {} {}", path, user.name, user.name, path));
}

void hand_over_socket(const std::string& path, const ServiceUser& user) {
  static_cast<void>(::lchown(path.c_str(), user.uid, user.gid));
}

std::expected<void, std::string> become(const ServiceUser& user) {
  if (::geteuid() == user.uid) return {};
  const rlimit lockable{lockable_memory, lockable_memory};
  static_cast<void>(setrlimit(RLIMIT_MEMLOCK, &lockable));
  if (::initgroups(user.name.c_str(), user.gid) != 0 || ::setresgid(user.gid, user.gid, user.gid) != 0 ||
      ::setresuid(user.uid, user.uid, user.uid) != 0 || ::setuid(0) == 0) {
    return std::unexpected(fmt::format("cannot become {}: {}", user.name, std::strerror(errno)));
  }
  // The kernel's answer to a change of user depends on fs.suid_dumpable.
  refuse_core_files();
  return {};
}

}  // namespace saslift::proxy::keeper
