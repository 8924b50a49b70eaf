// A libuv loop. Its destructor runs it dry and asserts that no handle is left: a leaked one fails the tests.
#pragma once

#include <uv.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "auth/clock.h"

namespace saslift::proxy::net {

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Until stop(), or until nothing is left to wait for.
  void run();
  void stop();
  // On the next turn; for whoever must not destroy itself inside its own callback.
  void later(std::function<void()> task);
  // What later() has gathered; run by the loop, and by whoever must not be outlived by it.
  void run_tasks();
  // Constant within a turn, monotonic. Not comparable with BootClock::now().
  [[nodiscard]] auth::Instant now() const;
  // One buffer for every read of this loop; a read's bytes are valid until its callback returns.
  [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }
  // The same for what a TLS stream decrypts, and for the records it makes: used within one call.
  [[nodiscard]] std::span<char> plaintext_buffer();
  // The descriptor that libuv gives up for a moment to turn a client away when there is no other: without it,
  // libuv would call its listeners again and again. False: none is left for that.
  [[nodiscard]] bool keep_reserve();
  [[nodiscard]] std::string& records() { return records_; }
  [[nodiscard]] uv_loop_t* raw() { return &loop_; }

 private:
  uv_loop_t loop_{};
  uv_async_t wake_{};
  std::vector<std::function<void()>> tasks_;
  std::vector<char> read_buffer_;
  std::vector<char> plaintext_buffer_;
  std::string records_;
};

}  // namespace saslift::proxy::net
