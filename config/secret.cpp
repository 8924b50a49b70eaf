#include "config/secret.h"

#include <sodium.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <new>
#include <utility>

namespace saslift::config {
namespace {

// One limit for the whole process (RLIMIT_MEMLOCK), so one answer.
std::atomic<bool>& locking_works() {
  static std::atomic<bool> works{true};
  return works;
}

void start_sodium() {
  static const bool started = sodium_init() >= 0;
  if (!started) throw std::bad_alloc();
}

}  // namespace

void wipe(char* bytes, std::size_t size) noexcept { sodium_memzero(bytes, size); }

void wipe(std::string& text) noexcept {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

bool guarded_memory_is_locked() noexcept { return locking_works(); }

Secret::Secret(std::string_view bytes) : Secret(bytes, Storage::heap) {}

Secret::Secret(std::string_view bytes, Storage storage) : size_(bytes.size()), storage_(storage) {
  if (size_ == 0) return;
  if (storage_ == Storage::guarded) {
    start_sodium();
    bytes_ = static_cast<char*>(sodium_malloc(size_));
    if (bytes_ == nullptr) throw std::bad_alloc();
    // sodium_malloc locks best effort and does not say whether it could.
    if (sodium_mlock(bytes_, size_) != 0) locking_works() = false;
  } else {
    bytes_ = new char[size_];
  }
  std::memcpy(bytes_, bytes.data(), size_);
  if (storage_ == Storage::guarded) sodium_mprotect_readonly(bytes_);
}

Secret Secret::taken_from(std::string& bytes) {
  Secret secret(bytes);
  saslift::config::wipe(bytes);
  return secret;
}

Secret Secret::guarded(std::string_view bytes) { return Secret(bytes, Storage::guarded); }

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)), storage_(other.storage_) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::exchange(other.bytes_, nullptr);
    size_ = std::exchange(other.size_, 0);
    storage_ = other.storage_;
  }
  return *this;
}

Secret::~Secret() { wipe(); }

void Secret::wipe() noexcept {
  if (bytes_ == nullptr) return;
  if (storage_ == Storage::guarded) {
    sodium_free(bytes_);  // zeroes before it unmaps
  } else {
    sodium_memzero(bytes_, size_);
    delete[] bytes_;
  }
  bytes_ = nullptr;
  size_ = 0;
}

}  // namespace saslift::config
