#include "proxy/keeper/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proxy/keeper/log_line.h"

namespace saslift::proxy::keeper {
namespace {

// A pipe or socket that polls writable takes this much without blocking (PIPE_BUF), and whole.
constexpr std::size_t chunk_size = 4096;
constexpr int look_around_milliseconds = 100;

}  // namespace

LogWriter::LogWriter(config::Log settings, Sink sink) : settings_(settings), sink_(sink), thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogWriter::write(const auth::LogEvent& event) {
  if (event.level < settings_.level) return;
  std::string line = formatted(event);
  {
    const std::lock_guard lock(mutex_);
    unreported_ += std::exchange(lost_, 0);
    if (lines_.size() >= sink_.capacity) {
      ++dropped_;
      ++unreported_;
      return;
    }
    lines_.push_back(std::move(line));
  }
  wake_.notify_one();
}

void LogWriter::flush(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  idle_.wait_for(lock, at_most, [this] { return lines_.empty() && unreported_ == 0 && !writing_; });
}

std::uint64_t LogWriter::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

bool LogWriter::stopping() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void LogWriter::adopt(config::Log settings) {
  const std::scoped_lock lock(mutex_);
  settings_ = settings;
}

std::string LogWriter::formatted(const auth::LogEvent& event) const {
  const auto now = std::chrono::system_clock::now();
  return settings_.format == config::LogFormat::json ? json_line(event, now) : text_line(event, now);
}

void LogWriter::run() {
  while (true) {
    Chunk chunk;
    {
      std::unique_lock lock(mutex_);
      writing_ = false;
      if (lines_.empty() && unreported_ == 0) idle_.notify_all();
      wake_.wait(lock, [this] { return stop_ || !lines_.empty() || unreported_ > 0; });
      if (lines_.empty() && unreported_ == 0) return;
      chunk = take_chunk();
      writing_ = true;
    }
    const Written written = write_out(chunk.text);
    if (written == Written::stopped) return;
    if (written == Written::failed) {
      const std::lock_guard lock(mutex_);
      dropped_ += chunk.lines;
      lost_ += chunk.lines + chunk.reported;
    }
  }
}

LogWriter::Chunk LogWriter::take_chunk() {
  Chunk chunk;
  while (!lines_.empty() && (chunk.text.empty() || chunk.text.size() + lines_.front().size() <= chunk_size)) {
    chunk.text += lines_.front();
    ++chunk.lines;
    lines_.pop_front();
  }
  if (lines_.empty() && unreported_ > 0) {
    chunk.reported = std::exchange(unreported_, 0);
    const auto count = static_cast<std::int64_t>(chunk.reported);
    chunk.text += formatted({config::LogLevel::warning, "log_lines_dropped", {{"count", count}}});
  }
  return chunk;
}

LogWriter::Written LogWriter::write_out(std::string_view bytes) const {
  while (!bytes.empty()) {
    pollfd sink{sink_.descriptor, POLLOUT, 0};
    const int ready = ::poll(&sink, 1, look_around_milliseconds);
    if (ready <= 0) {
      if (stopping()) return Written::stopped;
      continue;
    }
    const ssize_t written = ::write(sink_.descriptor, bytes.data(), std::min(bytes.size(), chunk_size));
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return Written::failed;  // the reader is gone or the disk is full
    }
  }
  return Written::whole;
}

}  // namespace saslift::proxy::keeper
