#include "proxy/smtp/rewriting/header_rewriter.h"

#include <algorithm>

#include "proxy/smtp/rewriting/words.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

constexpr std::string_view crlf = "\r\n";

std::string_view without_space(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

// RFC 5322 2.2: printable ASCII but the colon; 4.5.3 allows spaces before the colon.
std::string_view field_name(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view name = trimmed(line.substr(0, colon));
  const bool is_name = !name.empty() && line.front() == name.front() &&
                       std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
  return is_name ? name : std::string_view{};
}

// RFC 5322 3.4: what may stand before the address in brackets without quotes; "@" and "," in it would make Exchange
// see another address.
bool is_phrase(std::string_view text) {
  const Unquoted special = find_unquoted(text, AnyOf{"@,;:()<>[]\\"});
  return special.at >= text.size() && !special.quote_is_open;
}

// Whether a From field's value is one address, that of `mailbox`: then there is nothing to replace.
bool is_mailbox(std::string_view value, std::string_view mailbox) {
  value = without_space(value);
  if (!value.ends_with('>')) return same_word(value, mailbox);
  const auto open = value.rfind('<');
  if (open == std::string_view::npos) return false;
  const std::string_view address = value.substr(open + 1, value.size() - open - 2);
  return same_word(trimmed(address), mailbox) && is_phrase(value.substr(0, open));
}

// Pieces of a message put together anew. Each stood behind a CRLF or did not, and that decides about its dots: a
// piece must neither gain the end of the message by what now stands before it, nor lose it.
class Assembly {
 public:
  explicit Assembly(std::string& out) : out_(out), start_(out.size()) {}

  void original(std::string_view piece, std::string_view whole) {
    const auto before = whole.substr(0, static_cast<std::size_t>(piece.data() - whole.data()));
    if (before.empty() || before.ends_with(crlf)) {
      start_line();
    } else if (piece.starts_with('.') && at_line_start()) {
      out_.push_back('.');
    }
    out_.append(piece);
  }
  void added(std::string_view line) {
    start_line();
    out_.append(line);
  }
  // What follows is at the beginning of a line.
  void start_line() {
    if (at_line_start()) return;
    if (out_.ends_with('\n')) out_.pop_back();
    out_.append(crlf);
  }

 private:
  [[nodiscard]] bool at_line_start() const { return out_.size() == start_ || out_.ends_with(crlf); }

  std::string& out_;
  std::size_t start_;
};

}  // namespace

HeaderRewriter::Line HeaderRewriter::kind_of(std::string_view line, std::size_t at) const {
  if (line == "\n" || line == crlf) return Line::blank;
  if (at > 0 && (line.front() == ' ' || line.front() == '\t')) return Line::continuation;
  // The separator of mbox files, which some programs send on; behind it a server would see no header.
  if (at == 0 && (line.starts_with("From ") || line.starts_with(">From "))) return Line::mbox_from;
  return field_name(line).empty() ? Line::other : Line::field;
}

void HeaderRewriter::take(std::string_view message, std::string& out) {
  if (is_over_) {
    out.append(message);
    return;
  }
  header_.append(message);
  for (;;) {
    const auto line_end = header_.find('\n', std::max(end_, searched_));
    searched_ = header_.size();
    is_too_long_ = std::min(line_end, header_.size()) > longest_header;
    if (is_too_long_ || line_end == std::string::npos) return;
    const Line kind = kind_of(std::string_view(header_).substr(end_, line_end + 1 - end_), end_);
    if (kind == Line::blank || kind == Line::other) {
      has_blank_ = kind == Line::blank;
      return write_header(out);
    }
    end_ = line_end + 1;
    searched_ = end_;
  }
}

void HeaderRewriter::finish(std::string& out) {
  if (!is_over_) write_header(out);
}

std::vector<HeaderRewriter::Field> HeaderRewriter::fields() const {
  std::vector<Field> all;
  const std::string_view header = std::string_view(header_).substr(0, end_);
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t size = header.find('\n', at) + 1 - at;
    const std::string_view line = header.substr(at, size);
    if (kind_of(line, at) == Line::continuation) {
      all.back().text = {all.back().text.data(), all.back().text.size() + size};
    } else {
      all.push_back({.name = field_name(line), .text = line});
    }
    at += size;
  }
  return all;
}

bool HeaderRewriter::has(std::string_view name, const std::vector<Field>& all) const {
  return std::ranges::any_of(all, [name](const Field& field) { return same_word(field.name, name); });
}

bool HeaderRewriter::replaces(const Field& from) const {
  return rewriting_.from == config::RewriteFrom::both && same_word(from.name, "From");
}

void HeaderRewriter::write_header(std::string& out) {
  is_over_ = true;
  const auto all = fields();
  const std::string_view whole = header_;
  Assembly assembly(out);
  const Field* old_from = nullptr;
  for (const Field& field : all) {
    if (field.name.empty()) continue;  // mbox's
    if (!replaces(field)) {
      assembly.original(field.text, whole);
    } else if (old_from == nullptr) {
      old_from = &field;
      const std::string_view value = field.text.substr(field.text.find(':') + 1);
      if (is_mailbox(value, rewriting_.mailbox)) {
        assembly.original(field.text, whole);
      } else {
        assembly.added("From: " + rewriting_.mailbox + "\r\n");
      }
    }
  }
  std::string missing;
  add_missing(all, old_from, missing);
  if (!missing.empty()) assembly.added(missing);
  const std::string_view rest = whole.substr(end_);
  if (!rest.empty()) {
    if (!has_blank_) assembly.added(crlf);
    assembly.original(rest, whole);
  } else {
    assembly.start_line();  // the end of the message follows
  }
  header_ = {};
}

void HeaderRewriter::add_missing(const std::vector<Field>& all, const Field* old_from, std::string& out) {
  if (rewriting_.from == config::RewriteFrom::both) {
    if (old_from == nullptr) {
      out += "From: " + rewriting_.mailbox + "\r\n";
    } else if (!has("Reply-To", all)) {
      std::string_view value = old_from->text.substr(old_from->text.find(':') + 1);
      value = value.substr(0, value.find_last_not_of("\r\n") + 1);
      // Without an address in it nobody could reply.
      if (!is_mailbox(value, rewriting_.mailbox) && value.contains('@')) {
        out.append("Reply-To:").append(value).append(crlf);
      }
    }
  }
  if (!has("Date", all)) out += "Date: " + rewriting_.date() + "\r\n";
  if (!has("Message-ID", all)) out += "Message-ID: " + rewriting_.message_id() + "\r\n";
}

}  // namespace saslift::proxy::smtp::rewriting
