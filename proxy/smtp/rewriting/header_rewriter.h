// The header section of one message (RFC 5322): whose it is, and the fields that a message should have. Everything
// behind it, and every field it does not have to touch, goes out byte for byte. Bytes are as on the wire, dots stuffed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace saslift::proxy::smtp::rewriting {

// A header section is kept until its end; one that is longer is refused.
inline constexpr std::size_t longest_header = 256 * 1024;

struct Rewriting {
  config::RewriteFrom from = config::RewriteFrom::both;
  std::string mailbox;
  // For the fields that are missing: "Tue, 24 Nov 2026 15:00:00 +0000" and "<...>".
  std::function<std::string()> date;
  std::function<std::string()> message_id;
};

class HeaderRewriter {
 public:
  // `rewriting` outlives it.
  explicit HeaderRewriter(const Rewriting& rewriting) : rewriting_(rewriting) {}

  // Appends to `out` what goes on to the server.
  void take(std::string_view message, std::string& out);
  // The message has ended.
  void finish(std::string& out);
  [[nodiscard]] bool is_too_long() const { return is_too_long_; }

 private:
  struct Field {
    std::string_view name;
    std::string_view text;  // from the name to the end of its last line
  };
  enum class Line : unsigned char { field, continuation, mbox_from, blank, other };

  [[nodiscard]] Line kind_of(std::string_view line, std::size_t at) const;
  [[nodiscard]] std::vector<Field> fields() const;
  [[nodiscard]] bool has(std::string_view name, const std::vector<Field>& all) const;
  [[nodiscard]] bool replaces(const Field& from) const;
  void write_header(std::string& out);
  void add_missing(const std::vector<Field>& all, const Field* old_from, std::string& out);

  const Rewriting& rewriting_;
  std::string header_;        // and, once it has ended, what came behind it
  std::size_t end_ = 0;       // header_ up to here is lines of the header
  bool has_blank_ = false;    // an empty line follows them
  std::size_t searched_ = 0;  // no line ends between end_ and here
  bool is_too_long_ = false;
  bool is_over_ = false;
};

}  // namespace saslift::proxy::smtp::rewriting
