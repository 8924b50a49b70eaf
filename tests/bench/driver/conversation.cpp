#include "tests/bench/driver/conversation.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

namespace saslift::bench {
namespace {

constexpr std::size_t longest_line = 64 * 1024;

std::string base64(std::string_view text) {
  std::string coded((text.size() + 2) / 3 * 4 + 1, '\0');
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                                   // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  coded.resize(static_cast<std::size_t>(size));
  return coded;
}

}  // namespace

Conversation::Conversation(const Script& script, std::string user) : script_(script), user_(std::move(user)) {}

const char* Conversation::state() const {
  static constexpr std::array names = {"greeting",      "logging in",    "selecting",    "fetch announced",
                                       "fetching",      "fetch closing", "fetch ending", "append asking",
                                       "append ending", "idle",          "logging out",  "finished"};
  static_assert(names.size() == std::to_underlying(State::finished) + 1);
  return names.at(std::to_underlying(state_));
}

void Conversation::receive(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ == State::fetching) {
      bytes.remove_prefix(take_message(bytes));
      continue;
    }
    const std::size_t end = bytes.find('\n');
    const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
    partial_ += bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (partial_.size() > longest_line) refuse("a line without end");
    if (end == std::string_view::npos) return;
    if (!partial_.ends_with("\r\n")) refuse(partial_);
    const std::string whole = std::exchange(partial_, {});
    line(std::string_view(whole).substr(0, whole.size() - 2));
  }
}

void Conversation::sent(std::size_t bytes) {
  auto& rest = command_.empty() ? message_ : command_;
  rest.remove_prefix(bytes);
}

void Conversation::leave() {
  if (state_ != State::idle) refuse("not idle");
  state_ = State::logging_out;
  command("LOGOUT");
}

void Conversation::line(std::string_view text) {
  switch (state_) {
    case State::greeting:
      if (!text.starts_with("* OK")) refuse(text);
      return log_in();
    case State::logging_in:
      if (text.starts_with("* CAPABILITY ")) return;
      if (!is_ok(text)) refuse(text);
      return begin_work();
    case State::selecting:
      if (text == "* 1 EXISTS") one_message_exists_ = true;
      if (text.starts_with("* ")) return;
      if (!is_ok(text) || !one_message_exists_) refuse(text);
      return next_repeat();
    case State::fetch_announced:
      if (text != fmt::format("* 1 FETCH (BODY[] {{{}}}", script_.message.size())) refuse(text);
      fetched_ = 0;
      state_ = State::fetching;
      return;
    case State::fetch_closing:
      if (text != ")") refuse(text);
      state_ = State::fetch_ending;
      return;
    case State::append_asking:
      if (!text.starts_with("+ ")) refuse(text);
      message_ = script_.message_and_crlf;
      state_ = State::append_ending;
      return;
    case State::fetch_ending:
    case State::append_ending:
      if (!is_ok(text)) refuse(text);
      ++done_;
      return next_repeat();
    case State::logging_out:
      if (text.starts_with("* BYE")) return;
      if (!is_ok(text)) refuse(text);
      state_ = State::finished;
      return;
    case State::idle:
    case State::fetching:
    case State::finished:
      refuse(text);
  }
}

void Conversation::log_in() {
  state_ = State::logging_in;
  if (script_.authentication == Authentication::login) {
    command(fmt::format("LOGIN \"{}\" \"{}\"", user_, script_.secret));
  } else {
    const auto response = fmt::format(
        "user={}\x01"
        "auth=Bearer {}\x01\x01",
        user_, script_.secret);
    command(fmt::format("AUTHENTICATE XOAUTH2 {}", base64(response)));
  }
}

void Conversation::begin_work() {
  switch (script_.work) {
    case Work::login:
      state_ = State::logging_out;
      return command("LOGOUT");
    case Work::idle:
      state_ = State::idle;
      return;
    case Work::down:
      state_ = State::selecting;
      return command("EXAMINE INBOX");
    case Work::up:
      return next_repeat();
  }
}

void Conversation::next_repeat() {
  if (done_ == script_.repeats) {
    state_ = State::logging_out;
    command("LOGOUT");
  } else if (script_.work == Work::down) {
    state_ = State::fetch_announced;
    command("FETCH 1 BODY.PEEK[]");
  } else {
    state_ = State::append_asking;
    command(fmt::format("APPEND Up {{{}}}", script_.message.size()));
  }
}

void Conversation::command(std::string_view text) {
  if (!outgoing().empty()) refuse("an answer to a command that is not sent yet");
  tag_ = fmt::format("a{}", ++commands_);
  command_text_ = fmt::format("{} {}\r\n", tag_, text);
  command_ = command_text_;
}

std::size_t Conversation::take_message(std::string_view bytes) {
  const std::size_t size = std::min(bytes.size(), script_.message.size() - fetched_);
  if (bytes.substr(0, size) != script_.message.substr(fetched_, size)) refuse("a message with other bytes");
  fetched_ += size;
  if (fetched_ == script_.message.size()) state_ = State::fetch_closing;
  return size;
}

bool Conversation::is_ok(std::string_view text) const {
  return text.starts_with(tag_) && text.substr(tag_.size()).starts_with(" OK");
}

void Conversation::refuse(std::string_view text) const {
  throw Unexpected(fmt::format("{}, while {}: {}", user_, state(), text.substr(0, 200)));
}

}  // namespace saslift::bench
