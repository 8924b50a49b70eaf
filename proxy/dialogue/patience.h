// How often a client may be wrong before it is sent away.
#pragma once

#include "proxy/dialogue/client_side.h"

namespace saslift::proxy {

enum class Verdict : std::uint8_t { go_on, close };

class Patience {
 public:
  // Counts one; the limit's own answer still goes out, then the connection closes.
  [[nodiscard]] Verdict after_bad_command() { return after(bad_commands_, bad_commands_allowed); }
  [[nodiscard]] Verdict after_failed_login() { return after(failed_logins_, failed_logins_allowed); }

 private:
  static Verdict after(int& count, int allowed) { return ++count >= allowed ? Verdict::close : Verdict::go_on; }

  int bad_commands_ = 0;
  int failed_logins_ = 0;
};

}  // namespace saslift::proxy
