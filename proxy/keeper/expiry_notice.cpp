#include "proxy/keeper/expiry_notice.h"

#include <array>

namespace saslift::proxy::keeper {
namespace {

using std::chrono::days;
constexpr std::array<days, 4> thresholds{days(0), days(1), days(7), days(30)};

}  // namespace

std::optional<int> ExpiryNotice::due(WallTime now) {
  const auto left = not_after_ - now;
  int passed = static_cast<int>(thresholds.size());
  while (passed > 0 && left <= thresholds.at(static_cast<std::size_t>(passed) - 1)) --passed;
  if (passed >= told_) return std::nullopt;
  told_ = passed;
  return static_cast<int>(std::chrono::ceil<days>(left).count());
}

}  // namespace saslift::proxy::keeper
