// The server's replies on their way to the client, matched with the commands they answer, so that ours come in
// their turn (RFC 2920) and EHLO's reply offers only what passes through here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace saslift::proxy::smtp::rewriting {

// Commands that may await their replies; no more of them are read beyond it.
inline constexpr std::size_t most_unanswered = 1000;

class ReplyFilter {
 public:
  enum class Answers : std::uint8_t { ehlo, data, anything_else };
  struct DataAnswered {
    bool go_ahead = false;  // 354
  };

  // A command went to the server.
  void expect(Answers what) { waiting_.push_back({.answers = what, .ours = {}}); }
  // We answer one ourselves. Appends what may go to the client already.
  void say(std::string_view reply, std::string& to_client);
  // Appends what goes to the client; what DATA was answered, each time. A 354 always answers DATA: a server that left
  // a command unanswered must not make a message be read as commands.
  [[nodiscard]] std::vector<DataAnswered> take(std::string_view from_server, std::string& to_client);
  [[nodiscard]] bool is_full() const { return waiting_.size() >= most_unanswered; }
  // The server sends no replies but lines without end.
  [[nodiscard]] bool is_broken() const { return is_broken_; }

 private:
  struct Waiting {
    Answers answers = Answers::anything_else;
    std::string ours;  // not empty: no reply of the server's belongs to it
  };

  void skip_unanswered(std::string& to_client);
  void reply_is_complete(std::string_view last_line, std::string& to_client, std::vector<DataAnswered>& answered);
  void line_is_complete(std::string& to_client, std::vector<DataAnswered>& answered);
  void say_ours(std::string& to_client);
  [[nodiscard]] std::string without_chunking() const;

  std::deque<Waiting> waiting_;
  std::string line_;
  std::vector<std::string> ehlo_lines_;
  std::size_t ehlo_size_ = 0;
  bool is_broken_ = false;
};

}  // namespace saslift::proxy::smtp::rewriting
