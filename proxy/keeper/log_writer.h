// The log, written by a thread of its own: whoever reads it may stop reading, the keeper's loop does not notice.
// Lines that find the queue full are dropped and counted; the count is logged once there is room again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "auth/log_event.h"
#include "config/settings.h"

namespace saslift::proxy::keeper {

class LogWriter {
 public:
  struct Sink {
    int descriptor = 2;  // not owned
    std::size_t capacity = 4096;
  };

  explicit LogWriter(config::Log settings) : LogWriter(settings, Sink{}) {}
  LogWriter(config::Log settings, Sink sink);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  // What is queued is written while the sink takes it and lost when it does not: flush() first.
  ~LogWriter();

  // Never waits for the sink.
  void write(const auth::LogEvent& event);
  // From the next event on.
  void adopt(config::Log settings);
  void flush(std::chrono::milliseconds at_most);
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Chunk {
    std::string text;
    std::uint64_t lines = 0;
    std::uint64_t reported = 0;  // dropped lines that it tells of
  };
  enum class Written { whole, failed, stopped };

  void run();
  [[nodiscard]] Chunk take_chunk();
  [[nodiscard]] Written write_out(std::string_view bytes) const;
  [[nodiscard]] bool stopping() const;
  [[nodiscard]] std::string formatted(const auth::LogEvent& event) const;

  config::Log settings_;
  Sink sink_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<std::string> lines_;
  std::uint64_t dropped_ = 0;
  std::uint64_t unreported_ = 0;  // of those, to be told with the next chunk
  std::uint64_t lost_ = 0;        // likewise, once there is a new line: until then another try is no use
  bool writing_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace saslift::proxy::keeper
