#include "proxy/dialogue/line_reader.h"

#include <algorithm>
#include <utility>

namespace saslift::proxy {

LineReader::~LineReader() { config::wipe(buffer_); }

void LineReader::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (std::exchange(lf_may_follow_, false) && bytes.front() == '\n') {
    bytes.remove_prefix(1);
    bare_cr_ = BareCr::is_text;
  }
  wipe_taken();
  if (start_ > 0) {
    const std::size_t left = buffer_.size() - start_;
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(start_), buffer_.end(), buffer_.begin());
    config::wipe(buffer_.data() + left, start_);
    buffer_.resize(left);
    searched_ -= start_;
    start_ = wiped_ = 0;
  }
  if (buffer_.capacity() - buffer_.size() < bytes.size()) {
    // A plain append would leave the old block, passwords and all, to the allocator.
    std::string grown;
    grown.reserve(std::max(buffer_.size() + bytes.size(), 2 * buffer_.size()));
    grown = buffer_;
    config::wipe(buffer_);
    buffer_ = std::move(grown);
  }
  buffer_.append(bytes);
}

std::optional<std::string_view> LineReader::take_line() {
  wipe_taken();
  const auto end = buffer_.find('\n', searched_);
  if (end != std::string::npos) {
    bare_cr_ = BareCr::is_text;
  } else if (const auto cr = bare_cr(); cr != std::string::npos) {
    const std::string_view line(buffer_.data() + start_, cr - start_);
    start_ = searched_ = cr + 1;
    lf_may_follow_ = start_ == buffer_.size();
    return line;
  }
  if (end == std::string::npos) {
    searched_ = buffer_.size();
    return std::nullopt;
  }
  std::string_view line(buffer_.data() + start_, end - start_);
  start_ = searched_ = end + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::size_t LineReader::bare_cr() const {
  if (bare_cr_ == BareCr::is_text) return std::string::npos;
  const auto cr = buffer_.find('\r', searched_);
  if (cr == std::string::npos) return cr;
  // STARTTLS and STLS wait for their LF, which would else meet the handshake that follows.
  const bool is_last = cr + 1 == buffer_.size();
  std::string_view line(buffer_.data() + start_, cr - start_);
  line = line.substr(0, line.find_last_not_of(' ') + 1);
  const bool asks_for_tls = line.ends_with("TLS") || line.ends_with("tls");
  return is_last && asks_for_tls ? std::string::npos : cr;
}

std::expected<std::optional<std::string_view>, LineTooLong> LineReader::take_line(std::size_t longest) {
  const std::size_t before = size();
  const auto line = take_line();
  if (line ? before - size() > longest : before >= longest) return std::unexpected(LineTooLong{});
  return line;
}

std::optional<std::string_view> LineReader::take_block(std::size_t size) {
  wipe_taken();
  if (this->size() < size) return std::nullopt;
  const std::string_view block(buffer_.data() + start_, size);
  start_ += size;
  searched_ = start_;
  return block;
}

config::Secret LineReader::take_all() {
  config::Secret rest(peek());
  config::wipe(buffer_);
  start_ = wiped_ = searched_ = 0;
  return rest;
}

void LineReader::wipe_taken() {
  config::wipe(buffer_.data() + wiped_, start_ - wiped_);
  wiped_ = start_;
}

}  // namespace saslift::proxy
