#include "proxy/smtp/rewriting/rewriter.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "proxy/dialogue/client_side.h"
#include "proxy/smtp/rewriting/data_reader.h"
#include "proxy/smtp/rewriting/envelope.h"
#include "proxy/smtp/rewriting/reply_filter.h"
#include "proxy/smtp/rewriting/stamps.h"
#include "proxy/smtp/rewriting/words.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

bool is_control(char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7F'; }

class Rewriter final : public Stage {
 public:
  explicit Rewriter(Rewriting rewriting) : rewriting_(std::move(rewriting)) {}

  Output from_client(std::string_view bytes) override {
    Output output;
    unread_.append(bytes);
    run(output);
    return output;
  }
  Output from_server(std::string_view bytes) override {
    Output output;
    for (const auto& answer : replies_.take(bytes, output.to_client)) data_answered(answer);
    if (replies_.is_broken()) end("server_reply_too_long");
    run(output);
    return output;
  }
  [[nodiscard]] bool keeps_client_waiting() const override {
    return (state_ == State::data_unanswered || replies_.is_full()) && !unread_.empty();
  }
  [[nodiscard]] std::string_view why_over() const override { return why_over_; }

 private:
  enum class State : std::uint8_t {
    command,
    data_unanswered,  // what comes now is a message or commands, as the server's reply says
    message,
    refused_message,  // its header was too long; its end is looked for
    chunk,            // of a BDAT that was refused
    over,
  };
  struct Command {
    std::string_view line;
    std::string_view argument;
  };
  struct Message {
    explicit Message(const Rewriting& rewriting) : header(rewriting) {}
    DataReader reader;
    HeaderRewriter header;
  };

  void run(Output& output);
  [[nodiscard]] bool take_line(std::string_view& rest, Output& output);
  void take_command(std::string_view line, Output& output);
  void take_mail(std::string_view argument, Output& output);
  void take_rcpt(const Command& command, Output& output);
  void take_bdat(std::string_view argument, Output& output);
  void take_chunk(std::string_view& rest, Output& output);
  void take_message(std::string_view& rest, Output& output);
  void data_answered(ReplyFilter::DataAnswered answer);
  void pass(std::string_view command, ReplyFilter::Answers answers, Output& output);
  void say(std::string_view reply, Output& output) { replies_.say(reply, output.to_client); }
  void end(std::string_view why) {
    state_ = State::over;
    why_over_ = why;
  }

  Rewriting rewriting_;
  std::string unread_;
  State state_ = State::command;
  std::optional<Message> message_;
  std::uint64_t chunk_left_ = 0;
  ReplyFilter replies_;
  std::string_view why_over_;
};

void Rewriter::run(Output& output) {
  const std::string unread = std::exchange(unread_, {});
  std::string_view rest = unread;
  for (bool goes_on = true; goes_on && !rest.empty();) {
    switch (state_) {
      case State::command:
        goes_on = !replies_.is_full() && take_line(rest, output);
        break;
      case State::message:
      case State::refused_message:
        take_message(rest, output);
        break;
      case State::chunk:
        take_chunk(rest, output);
        break;
      case State::data_unanswered:
        goes_on = false;
        break;
      case State::over:
        return;
    }
  }
  unread_ = rest;
}

bool Rewriter::take_line(std::string_view& rest, Output& output) {
  const auto line_end = rest.find('\n');
  if (std::min(line_end, rest.size()) > longest_line) {
    say("500 5.5.2 Line too long\r\n", output);
    end("line_too_long");
    return false;
  }
  if (line_end == std::string_view::npos) return false;
  std::string_view line = rest.substr(0, line_end);
  rest.remove_prefix(line_end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  take_command(line, output);
  return true;
}

void Rewriter::take_command(std::string_view line, Output& output) {
  // A server that takes a CR for the end of a command would run what stands behind it, and one that takes a form feed
  // for a space would read "DATA\f" as DATA.
  if (std::ranges::any_of(line, is_control)) {
    return say("500 5.5.2 A command has no control characters in it\r\n", output);
  }
  const std::string_view text = trimmed(line);
  const std::string_view verb = text.substr(0, text.find_first_of(" \t"));
  const std::string_view argument = trimmed(text.substr(verb.size()));
  if (same_word(verb, "MAIL")) return take_mail(argument, output);
  if (same_word(verb, "RCPT")) return take_rcpt({.line = line, .argument = argument}, output);
  if (same_word(verb, "BDAT")) return take_bdat(argument, output);
  if (same_word(verb, "EHLO")) return pass(line, ReplyFilter::Answers::ehlo, output);
  if (same_word(verb, "DATA")) {
    state_ = State::data_unanswered;
    return pass(line, ReplyFilter::Answers::data, output);
  }
  pass(line, ReplyFilter::Answers::anything_else, output);
}

void Rewriter::pass(std::string_view command, ReplyFilter::Answers answers, Output& output) {
  replies_.expect(answers);
  output.to_server.append(command).append("\r\n");
}

void Rewriter::take_mail(std::string_view argument, Output& output) {
  const auto written = parse_envelope(Path::reverse, argument);
  if (!written) return say("501 5.5.4 Write it as MAIL FROM:<address>\r\n", output);
  pass(mail_from(rewriting_.mailbox, *written), ReplyFilter::Answers::anything_else, output);
}

void Rewriter::take_rcpt(const Command& command, Output& output) {
  const auto written = parse_envelope(Path::forward, command.argument);
  // The server has its own words for one that is beyond mending.
  pass(written ? rcpt_to(*written) : std::string(command.line), ReplyFilter::Answers::anything_else, output);
}

void Rewriter::take_bdat(std::string_view argument, Output& output) {
  const std::string_view digits = argument.substr(0, argument.find_first_of(" \t"));
  std::uint64_t size = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  chunk_left_ = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() ? size : 0;
  state_ = State::chunk;
  std::string_view nothing;
  take_chunk(nothing, output);
}

void Rewriter::take_chunk(std::string_view& rest, Output& output) {
  const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, rest.size()));
  rest.remove_prefix(taken);
  chunk_left_ -= taken;
  if (chunk_left_ > 0) return;
  state_ = State::command;
  say("502 5.5.1 BDAT is not available; use DATA\r\n", output);
}

void Rewriter::data_answered(ReplyFilter::DataAnswered answer) {
  if (state_ != State::data_unanswered) {
    if (answer.go_ahead) end("server_out_of_step");  // it waits for a message where we read commands
    return;
  }
  state_ = answer.go_ahead ? State::message : State::command;
  if (answer.go_ahead) message_.emplace(rewriting_);
}

void Rewriter::take_message(std::string_view& rest, Output& output) {
  std::string bytes;
  const bool has_ended = message_->reader.take(rest, bytes);
  if (state_ == State::message) {
    message_->header.take(bytes, output.to_server);
    if (message_->header.is_too_long()) state_ = State::refused_message;
  }
  if (!has_ended) return;
  if (state_ == State::refused_message) {
    // The server waits for a message that it must not get: this connection is of no more use.
    output.to_client += "552 5.3.4 The header of the message is too long\r\n";
    return end("header_too_long");
  }
  message_->header.finish(output.to_server);
  output.to_server += end_of_data;
  message_.reset();
  replies_.expect(ReplyFilter::Answers::anything_else);
  state_ = State::command;
}

}  // namespace

std::unique_ptr<Stage> make_rewriter(Rewriting rewriting) { return std::make_unique<Rewriter>(std::move(rewriting)); }

std::unique_ptr<Stage> make_stage(const auth::Granted& granted) {
  if (granted.rewrite_from == config::RewriteFrom::no) return nullptr;
  return make_rewriter({.from = granted.rewrite_from,
                        .mailbox = granted.sender,
                        .date = [] { return date_of(std::chrono::system_clock::now()); },
                        .message_id = [mailbox = granted.sender] { return new_message_id(mailbox); }});
}

}  // namespace saslift::proxy::smtp::rewriting
