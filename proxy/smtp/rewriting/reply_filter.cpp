#include "proxy/smtp/rewriting/reply_filter.h"

#include <algorithm>
#include <utility>

#include "proxy/dialogue/server_side.h"
#include "proxy/smtp/rewriting/words.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

constexpr std::size_t code_size = 3;

bool is_reply_line(std::string_view line) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return line.size() >= code_size && std::ranges::all_of(line.substr(0, code_size), is_digit);
}

bool is_go_ahead(std::string_view line) { return line.starts_with("354"); }

bool is_last_line(std::string_view line) { return line.size() == code_size || line[code_size] != '-'; }

// A message that comes in chunks has no end a reader of lines could find.
bool offers_chunks(std::string_view line) {
  if (line.size() <= code_size) return false;
  std::string_view keyword = trimmed(line.substr(code_size + 1));
  keyword = keyword.substr(0, keyword.find_first_of(" \t\r\n"));
  return same_word(keyword, "CHUNKING") || same_word(keyword, "BINARYMIME");
}

}  // namespace

void ReplyFilter::say(std::string_view reply, std::string& to_client) {
  waiting_.push_back({.answers = Answers::anything_else, .ours = std::string(reply)});
  say_ours(to_client);
}

void ReplyFilter::say_ours(std::string& to_client) {
  while (!waiting_.empty() && !waiting_.front().ours.empty()) {
    to_client += waiting_.front().ours;
    waiting_.pop_front();
  }
}

std::vector<ReplyFilter::DataAnswered> ReplyFilter::take(std::string_view from_server, std::string& to_client) {
  std::vector<DataAnswered> answered;
  while (!from_server.empty() && !is_broken_) {
    const auto end = from_server.find('\n');
    const std::size_t taken = std::min(end, from_server.size() - 1) + 1;
    line_.append(from_server.substr(0, taken));
    from_server.remove_prefix(taken);
    is_broken_ = line_.size() > longest_server_line;
    if (end != std::string_view::npos) line_is_complete(to_client, answered);
  }
  return answered;
}

void ReplyFilter::line_is_complete(std::string& to_client, std::vector<DataAnswered>& answered) {
  const std::string line = std::exchange(line_, {});
  const std::string_view text = std::string_view(line).substr(0, line.find_last_not_of("\r\n") + 1);
  const bool ends_reply = is_reply_line(text) && is_last_line(text);
  if (ends_reply && is_go_ahead(text)) skip_unanswered(to_client);
  const bool is_ehlo = !waiting_.empty() && waiting_.front().answers == Answers::ehlo && text.starts_with('2');
  if (is_ehlo) {
    ehlo_size_ += line.size();
    is_broken_ = is_broken_ || ehlo_size_ > longest_server_line;
    ehlo_lines_.push_back(line);
    if (ends_reply) to_client += without_chunking();
  } else {
    to_client += line;
  }
  if (!ends_reply) return;
  ehlo_lines_.clear();
  ehlo_size_ = 0;
  reply_is_complete(text, to_client, answered);
}

// Up to the DATA that a 354 answers; our own replies among them have their turn now.
void ReplyFilter::skip_unanswered(std::string& to_client) {
  if (std::ranges::find(waiting_, Answers::data, &Waiting::answers) == waiting_.end()) return;
  for (; waiting_.front().answers != Answers::data; waiting_.pop_front()) to_client += waiting_.front().ours;
}

void ReplyFilter::reply_is_complete(std::string_view last_line, std::string& to_client,
                                    std::vector<DataAnswered>& answered) {
  const bool go_ahead = is_go_ahead(last_line);
  if (go_ahead || (!waiting_.empty() && waiting_.front().answers == Answers::data))
    answered.push_back({.go_ahead = go_ahead});
  if (waiting_.empty()) return;  // unasked, as a 421 is
  waiting_.pop_front();
  say_ours(to_client);
}

std::string ReplyFilter::without_chunking() const {
  std::vector<std::string> kept;
  for (const std::string& line : ehlo_lines_) {
    if (kept.empty() || !offers_chunks(line)) kept.push_back(line);
  }
  std::string reply;
  for (std::string& line : kept) {
    if (is_reply_line(line)) {
      const char separator = &line == &kept.back() ? ' ' : '-';
      if (line[code_size] == ' ' || line[code_size] == '-') line.erase(code_size, 1);
      line.insert(code_size, 1, separator);
    }
    reply += line;
  }
  return reply;
}

}  // namespace saslift::proxy::smtp::rewriting
