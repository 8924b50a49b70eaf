// The world of a session under test: a hand clock, in-memory streams, a keeper, a dialer and a TLS that record.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/session/surroundings.h"

namespace saslift::proxy::testing {

class HandClock final : public Clock {
 public:
  [[nodiscard]] auth::Instant now() const override { return now_; }
  [[nodiscard]] std::unique_ptr<Alarm> make_alarm(std::function<void()> rang) override {
    return std::make_unique<HandAlarm>(*this, std::move(rang));
  }
  void later(std::function<void()> task) override { tasks_.push_back(std::move(task)); }

  // Moves time on, ringing each alarm at its instant.
  void advance(auth::Duration by) {
    const auto end = now_ + by;
    for (;;) {
      run_tasks();
      HandAlarm* next = nullptr;
      for (auto* alarm : alarms_) {
        if (alarm->when && *alarm->when <= end && (next == nullptr || *alarm->when < *next->when)) next = alarm;
      }
      if (next == nullptr) break;
      now_ = std::max(now_, *next->when);
      next->when.reset();
      next->rang();
    }
    now_ = end;
    run_tasks();
  }
  void run_tasks() {
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  struct HandAlarm final : Alarm {
    HandAlarm(HandClock& of, std::function<void()> on_ring) : clock(of), rang(std::move(on_ring)) {
      clock.alarms_.push_back(this);
    }
    ~HandAlarm() override { std::erase(clock.alarms_, this); }
    void set(auth::Instant at) override { when = at; }
    HandClock& clock;
    std::function<void()> rang;
    std::optional<auth::Instant> when;
  };

  auth::Instant now_{auth::Duration{1'000'000}};
  std::vector<HandAlarm*> alarms_;
  std::deque<std::function<void()>> tasks_;
};

// The far end of a stream, which outlives it.
struct Wire {
  std::string sent;  // by the session
  bool finished = false;
  bool closed = false;
  bool reading = false;
  bool takes = true;  // false: what is written stays unsent
  std::string unsent;
  int writes = 0;
  net::HalfClose half_close = net::HalfClose::possible;
  net::ByteStream::Reader* reader = nullptr;
  bool tls = false;

  void deliver(std::string bytes) { reader->received(bytes); }
  void end(net::Ending ending = net::Ending::clean) { reader->ended(ending); }
  void fail(const std::string& why) { reader->failed({net::StreamFailure::reset, why}); }
  void secure() { reader->secured(); }
  void drain() {
    takes = true;
    sent += unsent;
    unsent.clear();
    reader->drained();
  }
  std::string take_sent() { return std::exchange(sent, {}); }
};

class WireStream final : public net::ByteStream {
 public:
  explicit WireStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  ~WireStream() override { wire_->closed = true; }
  void set_reader(Reader& reader) override { wire_->reader = &reader; }
  void start_reading() override { wire_->reading = true; }
  void stop_reading() override { wire_->reading = false; }
  void limit_reads(std::size_t) override {}
  void write(std::string_view bytes) override {
    if (wire_->finished) return;
    ++wire_->writes;
    (wire_->takes ? wire_->sent : wire_->unsent) += bytes;
  }
  [[nodiscard]] std::size_t unsent() const override { return wire_->unsent.size(); }
  void finish_writing() override { wire_->finished = true; }
  [[nodiscard]] net::HalfClose half_close() const override { return wire_->half_close; }

 private:
  std::shared_ptr<Wire> wire_;
};

class RecordingKeeper final : public Keeper {
 public:
  [[nodiscard]] Line line() const override { return line_now; }
  void send(auth::FromWorker message) override { messages.push_back(std::move(message)); }

  template <class Message>
  [[nodiscard]] std::vector<const Message*> all() const {
    std::vector<const Message*> found;
    for (const auto& message : messages) {
      if (const auto* one = std::get_if<Message>(&message)) found.push_back(one);
    }
    return found;
  }

  Line line_now = Line::open;
  std::vector<auth::FromWorker> messages;
};

class HandDialer final : public Dialer {
 public:
  [[nodiscard]] std::unique_ptr<Dialing> dial(const std::vector<std::string>& addresses, std::uint16_t,
                                              std::function<void(Result)> done) override {
    dialed.push_back(addresses.empty() ? "" : addresses.front());
    done_ = std::move(done);
    return std::make_unique<Nothing>(*this);
  }
  std::shared_ptr<Wire> connect() {
    auto wire = std::make_shared<Wire>();
    std::exchange(done_, nullptr)(std::make_unique<WireStream>(wire));
    return wire;
  }
  void fail(const std::string& why) { std::exchange(done_, nullptr)(std::unexpected(why)); }
  [[nodiscard]] bool given_up() const { return given_up_; }

  std::vector<std::string> dialed;

 private:
  struct Nothing final : Dialing {
    explicit Nothing(HandDialer& of) : dialer(of) {}
    ~Nothing() override { dialer.given_up_ = dialer.done_ != nullptr; }
    HandDialer& dialer;
  };
  std::function<void(Result)> done_;
  bool given_up_ = false;
};

// Leaves the bytes as they are and remembers that TLS was asked for.
class PlainTls final : public Tls {
 public:
  [[nodiscard]] std::unique_ptr<net::ByteStream> to_provider(std::unique_ptr<net::ByteStream> stream,
                                                             const auth::Granted& granted) override {
    provider_hosts.push_back(granted.host);
    return stream;
  }
  [[nodiscard]] std::unique_ptr<net::ByteStream> to_client(std::unique_ptr<net::ByteStream> stream, std::uint32_t,
                                                           std::string early) override {
    ++clients;
    early_bytes += early;
    return stream;
  }
  std::vector<std::string> provider_hosts;
  int clients = 0;
  std::string early_bytes;
};

}  // namespace saslift::proxy::testing
