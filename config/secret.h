// A password, token or key in memory. Move-only, wiped on destruction, and without any
// formatter or stream operator, so that logging one does not compile.
//
// `guarded` secrets live in libsodium's guarded, locked memory (for those that stay: client secrets,
// refresh tokens); plain ones on the heap (for those in flight: a login's password, one access token).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace saslift::config {

class Secret {
 public:
  Secret() noexcept = default;
  explicit Secret(std::string_view bytes);
  // Copies the bytes into the secret and wipes the string they came in.
  [[nodiscard]] static Secret taken_from(std::string& bytes);
  [[nodiscard]] static Secret guarded(std::string_view bytes);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  [[nodiscard]] Secret copy() const { return Secret(reveal()); }
  [[nodiscard]] std::string_view reveal() const noexcept { return {bytes_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  enum class Storage : std::uint8_t { heap, guarded };
  Secret(std::string_view bytes, Storage storage);
  void wipe() noexcept;

  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  Storage storage_ = Storage::heap;
};

// Overwrites the bytes in a way the compiler may not remove.
void wipe(char* bytes, std::size_t size) noexcept;
void wipe(std::string& text) noexcept;

// Whether guarded memory is really locked; false once locking failed (RLIMIT_MEMLOCK).
[[nodiscard]] bool guarded_memory_is_locked() noexcept;

}  // namespace saslift::config
