#include "auth/plain_cbor.h"

#include <cstdint>
#include <optional>

namespace saslift::auth {
namespace {

// The deepest frame is Configure: map, listeners, listener, extensions, text.
constexpr int deepest = 6;

class Walk {
 public:
  explicit Walk(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool item() {
    if (depth_ > deepest || rest_.empty()) return false;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    if (first == 0xF4 || first == 0xF5) return true;  // false, true
    const auto count = argument(first & 0x1FU);
    if (!count) return false;
    switch (first >> 5U) {
      case 0:
      case 1:
        return true;
      case 3:
        return skip(*count);
      case 4:
        return items(*count);
      case 5:
        return pairs(*count);
      default:
        return false;
    }
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  [[nodiscard]] std::optional<std::uint64_t> argument(unsigned low) {
    if (low < 24) return low;
    if (low > 27) return std::nullopt;  // reserved, or an indefinite length
    const std::size_t size = std::size_t{1} << (low - 24);
    if (rest_.size() < size) return std::nullopt;
    std::uint64_t value = 0;
    for (const char byte : rest_.substr(0, size)) value = value << 8U | static_cast<std::uint8_t>(byte);
    rest_.remove_prefix(size);
    return value;
  }
  [[nodiscard]] bool skip(std::uint64_t size) {
    if (size > rest_.size()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(size));
    return true;
  }
  [[nodiscard]] bool inner_item() {
    ++depth_;
    const bool plain = item();
    --depth_;
    return plain;
  }
  [[nodiscard]] bool items(std::uint64_t count) {
    if (count > rest_.size()) return false;
    for (std::uint64_t i = 0; i < count; ++i)
      if (!inner_item()) return false;
    return true;
  }
  [[nodiscard]] bool pairs(std::uint64_t count) {
    if (count > rest_.size()) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool text_key = !rest_.empty() && static_cast<std::uint8_t>(rest_.front()) >> 5U == 3;
      if (!text_key || !inner_item() || !inner_item()) return false;
    }
    return true;
  }

  std::string_view rest_;
  int depth_ = 0;
};

}  // namespace

bool is_plain_cbor(std::string_view bytes) {
  Walk walk(bytes);
  return walk.item() && walk.at_end();
}

}  // namespace saslift::auth
