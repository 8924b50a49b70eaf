// Bytes both ways after login, byte for byte unless a stage stands between; knows no protocol. Reads one side only as
// fast as the other takes; passes a half-close on where the other side's stream can; ends when both directions have
// ended, when a half-closed one is silent, or after 35 idle minutes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/clock.h"
#include "proxy/dialogue/observer.h"
#include "proxy/dialogue/stage.h"
#include "proxy/net/byte_stream.h"
#include "proxy/session/surroundings.h"

namespace saslift::proxy {

inline constexpr auth::Duration relay_idle_limit{35 * 60 * 1000};
inline constexpr auth::Duration half_closed_silence_limit{60 * 1000};
// TLS 1.2 has no half-close: how long its server may be silent before its last answer counts as given.
inline constexpr auth::Duration no_half_close_silence_limit{1000};

class Relay {
 public:
  struct Streams {
    std::unique_ptr<net::ByteStream> client;
    std::unique_ptr<net::ByteStream> server;
  };

  struct Events {
    // Once; the relay is then still alive and its streams can be released.
    std::function<void(std::string_view why)> over;
    // silence_ends_at() is sooner than it was.
    std::function<void()> silence_shortened;
    // The server refused something for a cause that auth/remedies knows.
    std::function<void(std::string words)> server_said;
  };

  // What it does besides passing bytes.
  struct Extras {
    Watch watch = {};
    std::unique_ptr<Stage> stage = nullptr;
  };

  Relay(Clock& clock, Streams streams, Events events, Extras extras);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  // How the two dialogues left their sides.
  struct Beginning {
    std::string_view client_unread;  // goes first
    std::string_view server_unread;
    bool client_has_ended = false;
    bool client_owes_lf = false;  // the LF of the login's CRLF may come yet, and is not the server's
  };
  void start(Beginning from);
  // When to call check_silence() next.
  [[nodiscard]] auth::Instant silence_ends_at() const;
  void check_silence();

  [[nodiscard]] std::uint64_t bytes_up() const { return up_.bytes; }
  [[nodiscard]] std::uint64_t bytes_down() const { return down_.bytes; }
  // The client sent something that the server has not answered yet.
  [[nodiscard]] bool server_owes_answer() const { return server_owes_answer_; }
  // The tail of what the server sent last; empty if nothing yet.
  [[nodiscard]] std::string_view last_from_server() const { return last_from_server_; }
  [[nodiscard]] auth::Duration silent_for() const;
  [[nodiscard]] bool client_has_ended() const { return up_.has_ended; }
  // Everything received has been passed on.
  [[nodiscard]] bool is_flushed() const { return up_.from.unsent() == 0 && down_.from.unsent() == 0; }
  // No event comes any more.
  void stop() { is_over_ = true; }
  [[nodiscard]] Streams release();

 private:
  // One direction: from one stream into the other.
  class Direction final : public net::ByteStream::Reader {
   public:
    struct Ends {
      net::ByteStream& from;
      net::ByteStream& to;
    };
    Direction(Relay& relay, Ends ends) : relay_(relay), from(ends.from), to(ends.to) {}
    void received(std::span<char> data) override { relay_.pass(*this, {data.data(), data.size()}); }
    void ended(net::Ending ending) override { relay_.end(*this, ending); }
    void failed(const net::StreamError& error) override { relay_.fail(*this, error); }
    // `from` has taken what the opposite direction wrote.
    void drained() override { relay_.resume_other(*this); }

   private:
    Relay& relay_;

   public:
    net::ByteStream& from;
    net::ByteStream& to;
    std::uint64_t bytes = 0;
    bool has_ended = false;
    bool end_is_passed_on = false;
  };

  void pass(Direction& direction, std::string_view bytes);
  void pass_through_stage(Direction& direction, std::string_view bytes);
  void set_pace_of_stage();
  void end(Direction& direction, net::Ending ending);
  void end_writing_to(Direction& direction);
  void fail(Direction& direction, const net::StreamError& error);
  void resume_other(Direction& direction);
  void finish_if_done();
  void finish(std::string_view why);
  void tell(const std::vector<std::string>& recognised);
  [[nodiscard]] Direction& other(Direction& direction) { return &direction == &up_ ? down_ : up_; }
  [[nodiscard]] auth::Duration silence_limit() const;

  Clock& clock_;
  Streams streams_;
  Events events_;
  bool is_over_ = false;
  Direction up_;    // client to server
  Direction down_;  // server to client
  auth::Instant last_byte_;
  Observer observer_;
  std::unique_ptr<Stage> stage_;
  std::string last_from_server_;
  bool server_owes_answer_ = false;
  bool client_owes_lf_ = false;
  std::string why_;
};

}  // namespace saslift::proxy
