// Messages as bytes on the pipe between keeper and worker: u32 length (little endian, of what follows),
// u8 type, u16 length of the CBOR, CBOR without secrets, then the secret bytes.
// A frame is at most 64 KiB; whoever reads a malformed one ends the connection.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "auth/login.h"

namespace saslift::auth {

inline constexpr std::size_t largest_frame = 64 * 1024;

struct MalformedFrame {
  std::string what;
};

// The whole frame; a Secret because it may hold one. Empty when the message does not fit in a frame.
[[nodiscard]] config::Secret encode(const FromWorker& message);
[[nodiscard]] config::Secret encode(const ToWorker& message);

// `frame` is what follows the length.
[[nodiscard]] std::expected<FromWorker, MalformedFrame> decode_from_worker(std::string_view frame);
[[nodiscard]] std::expected<ToWorker, MalformedFrame> decode_to_worker(std::string_view frame);

// Cuts a byte stream into frames. Its buffer is wiped as frames leave it.
class FrameReader {
 public:
  FrameReader() = default;
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;
  ~FrameReader();

  void append(std::string_view bytes);
  // The next whole frame without its length; nullopt: more bytes are needed. Valid until the next call.
  [[nodiscard]] std::expected<std::optional<std::string_view>, MalformedFrame> next();

 private:
  std::string buffer_;
  std::size_t consumed_ = 0;
  std::size_t wiped_ = 0;  // of what is consumed
};

}  // namespace saslift::auth
