// Looks at what the server sends after login, so that the log can name causes a login did not show; never alters
// a byte and keeps none but the line it is in. Pure. Looks only as far as its Watch says: bulk mail is not scanned.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace saslift::proxy {

// What a protocol's server says when it refuses or takes leave, and how much of its talk is worth looking at.
struct Watch {
  bool (*is_refusal)(std::string_view line) = nullptr;  // nullptr: nothing is looked at
  std::size_t bytes_watched = 0;                        // of those that follow the login
  // The bytes behind a line that ends so are mail, not words of the server's; nullptr: there are none such.
  std::size_t (*literal_behind)(std::string_view line_end) = nullptr;
  // A line that is none begins a text, mail too, which ends with a "."; nullptr: there are no such texts.
  bool (*is_status)(std::string_view line) = nullptr;
};

// Beyond this a line's rest tells no more.
inline constexpr std::size_t longest_line_observed = 256;
// Of a line's end; what tells of a literal is shorter.
inline constexpr std::size_t line_end_observed = 24;

class Observer {
 public:
  explicit Observer(Watch watch) : watch_(watch), bytes_left_(watch.bytes_watched) {}

  [[nodiscard]] bool is_watching() const { return bytes_left_ > 0 && watch_.is_refusal != nullptr; }
  // The refusals among these bytes whose cause auth/remedies knows, printable; each cause once.
  [[nodiscard]] std::vector<std::string> observe(std::string_view from_server);
  // The same for the tail of what the server sent, once the session ends.
  [[nodiscard]] std::vector<std::string> ended(std::string_view last_from_server);
  [[nodiscard]] bool token_has_expired() const { return token_has_expired_; }

 private:
  void line_is_complete(std::vector<std::string>& recognised);
  void judge(std::string_view line, std::vector<std::string>& recognised);

  Watch watch_;
  std::size_t bytes_left_;
  std::string line_;      // its beginning, as far as it has come
  std::string line_end_;  // its end, likewise
  std::size_t literal_left_ = 0;
  bool in_text_ = false;
  std::vector<std::string> causes_told_;
  bool token_has_expired_ = false;
};

}  // namespace saslift::proxy
