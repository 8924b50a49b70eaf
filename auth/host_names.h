// Addresses of the servers' host names: looked up once for however many logins wait, kept for 60 s, and the
// old answer used while look-ups fail or drag on. Looks nothing up itself: take_lookups() says what to ask.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "auth/clock.h"

namespace saslift::auth {

struct HostKnown {
  std::vector<std::string> addresses;  // never empty
};
struct HostPending {
  std::optional<Instant> until;  // then ask again, answer or not
};
struct HostUnknown {
  std::string detail;
};
using HostAnswer = std::variant<HostKnown, HostPending, HostUnknown>;

class HostNames {
 public:
  [[nodiscard]] HostAnswer ask(const std::string& host, Instant now);
  void found(const std::string& host, std::vector<std::string> addresses, Instant now);
  void failed(const std::string& host, HostUnknown why, Instant now);
  // The look-ups begun since the last call.
  [[nodiscard]] std::vector<std::string> take_lookups();

 private:
  struct Entry {
    std::vector<std::string> addresses;
    Instant fresh_until;
    std::optional<Instant> looking_since;
    std::optional<Instant> failed_at;
    std::string error;
  };

  std::map<std::string, Entry> entries_;
  std::vector<std::string> lookups_;
};

}  // namespace saslift::auth
