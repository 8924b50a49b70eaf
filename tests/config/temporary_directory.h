// A directory of its own for each test, gone afterwards.
#pragma once

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace saslift::config::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : TemporaryDirectory(std::filesystem::temp_directory_path()) {}
  explicit TemporaryDirectory(const std::filesystem::path& parent) {
    std::string pattern = (parent / "saslift-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp in " + parent.string());
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(std::string_view name, std::string_view content, mode_t mode = 0600) const {
    const auto file = path_ / name;
    std::ofstream(file, std::ios::binary) << content;
    if (chmod(file.c_str(), mode) != 0) throw std::runtime_error("chmod");
    return file;
  }

 private:
  std::filesystem::path path_;
};

inline bool is_memory_file_system(const std::filesystem::path& path) {
  struct statfs system{};
  return statfs(path.c_str(), &system) == 0 && (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

// Where the rules for ordinary disks hold; /tmp may be a tmpfs.
inline std::filesystem::path ordinary_parent() {
  for (const auto& candidate :
       {std::filesystem::temp_directory_path(), std::filesystem::current_path(), std::filesystem::path("/var/tmp")}) {
    if (std::filesystem::is_directory(candidate) && !is_memory_file_system(candidate)) return candidate;
  }
  throw std::runtime_error("no directory on an ordinary file system");
}

}  // namespace saslift::config::test
