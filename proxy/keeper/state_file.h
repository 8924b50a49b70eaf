// The sealed state on disk: `state`, the generation before it in `state.previous`, the key in `state.key` where
// none is configured, `state.lock` against a second keeper. A file is written beside its place, forced to disk and
// renamed; one that does not open is never overwritten but kept beside the new one. Blocks: see state_saver.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "auth/token_store.h"
#include "config/secret.h"
#include "proxy/keeper/descriptor.h"

namespace saslift::proxy::keeper {

enum class LockFailure : std::uint8_t { in_use, impossible };
struct LockError {
  LockFailure kind = LockFailure::impossible;
  std::string detail;  // what, and what to do
};

class StateFile {
 public:
  explicit StateFile(std::string directory) : directory_(std::move(directory)) {}

  // Makes the directory, with mode 0700. Held as long as this lives; children do not inherit it.
  [[nodiscard]] std::expected<void, LockError> lock();
  [[nodiscard]] bool locked() const { return static_cast<bool>(lock_); }

  // Writes nothing. `configured_key` empty: state.key, or a new one that the first save writes.
  [[nodiscard]] auth::OpenedState open(const config::Secret& configured_key);

  // The error is what the disk said; the state before is then still there.
  [[nodiscard]] std::expected<void, std::string> save(std::string_view sealed);

  // The next saves are sealed with another key: `material` is put into state.key once a state sealed with it is on
  // disk. Between the two, state.key.new opens it.
  [[nodiscard]] std::expected<void, std::string> save_with_new_key(std::string_view sealed,
                                                                   const config::Secret& material);
  // The generation before is sealed with a key that is not to be used any more.
  [[nodiscard]] std::expected<void, std::string> forget_previous();
  // state.key, which sealed what another key seals now.
  [[nodiscard]] std::expected<void, std::string> forget_own_key();

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  struct OwnKey;
  struct Generation;
  struct Generations;

  [[nodiscard]] std::string path(std::string_view name) const;
  struct NewFile {
    std::string_view name;
    std::string_view bytes;
  };
  [[nodiscard]] std::expected<void, std::string> write(const NewFile& made) const;
  [[nodiscard]] std::expected<void, std::string> write_in_place(const NewFile& made) const;
  [[nodiscard]] std::expected<void, std::string> keep_aside() const;
  [[nodiscard]] std::expected<void, std::string> keep_previous() const;
  [[nodiscard]] std::expected<void, std::string> rename_onto(std::string_view from, std::string_view to) const;
  [[nodiscard]] std::expected<void, std::string> force_directory() const;
  [[nodiscard]] std::expected<void, std::string> forget(std::string_view name) const;
  [[nodiscard]] std::vector<OwnKey> own_keys();
  void choose(auth::OpenedState& opened, Generations found);

  std::string directory_;
  Descriptor lock_;
  config::Secret unwritten_key_;    // of state.key, before the first save
  bool state_opens_ = false;        // so that it may become the previous one
  std::vector<std::string> aside_;  // do not open: to be kept beside what replaces them
};

}  // namespace saslift::proxy::keeper
