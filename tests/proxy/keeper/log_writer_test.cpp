#include "proxy/keeper/log_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>

#include "catch.h"
#include "proxy/keeper/descriptor.h"

using namespace saslift;
using proxy::keeper::Descriptor;
using proxy::keeper::LogWriter;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
  // Everything until the writing end is closed.
  std::string drain() {
    write.close();
    std::string all;
    std::array<char, 65536> chunk{};
    for (ssize_t size = 0; (size = ::read(read.get(), chunk.data(), chunk.size())) > 0;) {
      all.append(chunk.data(), static_cast<std::size_t>(size));
    }
    return all;
  }
  Descriptor read, write;
};

auth::LogEvent numbered(int number) { return {config::LogLevel::info, "numbered", {{"n", std::int64_t{number}}}}; }

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

std::uint64_t told_as_dropped(const std::string& text) {
  static const std::string event = " log_lines_dropped count=";
  std::uint64_t sum = 0;
  for (auto at = text.find(event); at != std::string::npos; at = text.find(event, at + 1)) {
    const auto end = text.find('\n', at);
    if (end != std::string::npos) sum += std::stoull(text.substr(at + event.size(), end - at - event.size()));
  }
  return sum;
}

}  // namespace

TEST_CASE("lines come out whole and in order, below the level none") {
  Pipe pipe;
  {
    LogWriter log({config::LogLevel::info, config::LogFormat::text}, {pipe.write.get(), 4096});
    log.write({config::LogLevel::debug, "hidden", {}});
    for (int i = 0; i < 300; ++i) log.write(numbered(i));
    log.flush(10s);
    CHECK(log.dropped() == 0);
  }
  const auto all = pipe.drain();
  std::size_t at = 0;
  for (int i = 0; i < 300; ++i) {
    at = all.find("numbered n=" + std::to_string(i) + "\n", at);
    REQUIRE(at != std::string::npos);
  }
  CHECK(count(all, "hidden") == 0);
}

TEST_CASE("JSON where it is asked for") {
  Pipe pipe;
  {
    LogWriter log({config::LogLevel::info, config::LogFormat::json}, {pipe.write.get(), 16});
    log.write(numbered(1));
    log.flush(10s);
  }
  CHECK(pipe.drain().starts_with("{\"time\":"));
}

TEST_CASE("FAULTS 80: a reader that stops costs lines, which are counted, and never time") {
  Pipe pipe;
  constexpr int written = 20'000;  // over a megabyte: more than the pipe and the queue hold
  std::uint64_t dropped = 0;
  std::string all;
  {
    LogWriter log({config::LogLevel::info, config::LogFormat::text}, {pipe.write.get(), 100});
    for (int i = 0; i < written; ++i) log.write(numbered(i));
    log.flush(10ms);
    dropped = log.dropped();
    CHECK(dropped > 0);
    // The reader comes back: what was kept arrives, and the loss is told.
    std::array<char, 4096> chunk{};
    while (told_as_dropped(all) < dropped) {
      const ssize_t size = ::read(pipe.read.get(), chunk.data(), chunk.size());
      REQUIRE(size > 0);
      all.append(chunk.data(), static_cast<std::size_t>(size));
    }
    log.flush(10s);
  }
  all += pipe.drain();
  CHECK(count(all, " numbered ") + dropped == written);
  CHECK(told_as_dropped(all) == dropped);
}

TEST_CASE("FAULTS 80: a reader that stays away does not hold the end") {
  Pipe pipe;
  LogWriter log({config::LogLevel::info, config::LogFormat::text}, {pipe.write.get(), 4096});
  for (int i = 0; i < 10'000; ++i) log.write(numbered(i));
  log.flush(1ms);
  // The destructor returns although nobody reads.
}

TEST_CASE("FAULTS 80: a full disk costs its lines, and what was lost is told once there is room") {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const Descriptor sink(::dup(full.get()));
  LogWriter log({config::LogLevel::info, config::LogFormat::text}, {sink.get(), 16});
  for (const int number : {1, 2}) {
    log.write(numbered(number));
    log.flush(10s);
  }
  CHECK(log.dropped() == 2);
  ::dup3(pipe.write.get(), sink.get(), O_CLOEXEC);
  log.write(numbered(3));
  log.flush(10s);
  std::array<char, 4096> chunk{};
  const ssize_t size = ::read(pipe.read.get(), chunk.data(), chunk.size());
  REQUIRE(size > 0);
  const std::string text(chunk.data(), static_cast<std::size_t>(size));
  CHECK(count(text, "numbered n=3\n") == 1);
  CHECK(told_as_dropped(text) == 2);
}
