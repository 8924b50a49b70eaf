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
  void flush(std::chrono::milliseconds at_most);
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  void run();
  [[nodiscard]] std::string take_chunk();
  [[nodiscard]] bool write_out(std::string_view bytes);
  [[nodiscard]] bool stopping() const;
  [[nodiscard]] std::string formatted(const auth::LogEvent& event) const;

  config::Log settings_;
  Sink sink_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<std::string> lines_;
  std::uint64_t dropped_ = 0;
  std::uint64_t unreported_ = 0;  // of those
  bool writing_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace saslift::proxy::keeper
