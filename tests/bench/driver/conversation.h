// One IMAP client's conversation, bytes in and bytes out: logs in, does its work, logs out. Every byte
// that comes must be one it expects at that place. Owns no socket and no clock.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace saslift::bench {

enum class Work : std::uint8_t { login, down, up, idle };
enum class Authentication : std::uint8_t { login, xoauth2 };

struct Script {
  Work work = Work::login;
  Authentication authentication = Authentication::login;
  std::string secret;                 // the password, or the access token
  std::string_view message;           // what comes down
  std::string_view message_and_crlf;  // what goes up: RFC 9051 7.5, the CRLF ends the APPEND
  std::uint64_t repeats = 1;
};

// The server said what this conversation does not expect, or nothing in time.
class Unexpected : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Conversation {
 public:
  Conversation(const Script& script, std::string user);

  void receive(std::string_view bytes);
  void leave();  // ends the wait of an idle conversation

  // What is to be sent: first the command, then the message.
  [[nodiscard]] std::string_view outgoing() const { return command_.empty() ? message_ : command_; }
  void sent(std::size_t bytes);

  [[nodiscard]] bool logged_in() const { return state_ > State::logging_in; }
  [[nodiscard]] bool finished() const { return state_ == State::finished; }
  [[nodiscard]] const char* state() const;

 private:
  enum class State : std::uint8_t {
    greeting,
    logging_in,
    selecting,
    fetch_announced,
    fetching,
    fetch_closing,
    fetch_ending,
    append_asking,
    append_ending,
    idle,
    logging_out,
    finished,
  };

  void line(std::string_view text);
  void log_in();
  void begin_work();
  void next_repeat();
  void command(std::string_view text);
  [[nodiscard]] std::size_t take_message(std::string_view bytes);
  // Whether this is the tagged OK of the last command; a tagged NO or BAD ends the conversation.
  [[nodiscard]] bool is_ok(std::string_view text) const;
  [[noreturn]] void refuse(std::string_view text) const;

  const Script& script_;
  std::string user_;
  State state_ = State::greeting;
  std::string partial_;  // of a line
  std::string command_text_;
  std::string_view command_;  // the unsent rest
  std::string_view message_;  // the unsent rest
  std::string tag_;
  unsigned commands_ = 0;
  std::uint64_t done_ = 0;
  std::size_t fetched_ = 0;
  bool one_message_exists_ = false;
};

}  // namespace saslift::bench
