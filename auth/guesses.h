// Who guesses passwords, and how long that makes them wait: 2 s to 15 s, by (address, login), by address, by
// account. Counted for a quarter of an hour after the last wrong one.
//
// - (address, login): from the first wrong password on.
// - address: from the fifth on, off loopback, and only while the address can be one client's: where three
//   different logins have been right lately it is that of a NAT or of a load balancer that is not in
//   proxy_from, and punishing it would punish them all.
// - account (for logins that nobody has: the login): from the fifth on, wherever they come from.
//
// A password that was wrong before for this address and login counts once: that is a device that was never
// told the new one, not a guesser (FAULTS 30). A pair of address and login that was right never waits
// (FAULTS 31). Everybody else waits for a yes as long as for the next no, so that leaving early tells nothing.
// IPv6 addresses count as their /64, which is what one customer has (FAULTS 29).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/clock.h"
#include "auth/password_memo.h"
#include "auth/recent.h"

namespace saslift::auth {

class Guesses {
 public:
  struct Attempt {
    std::string_view client_address;
    std::string_view login;    // folded
    std::string_view account;  // its name and mailbox; empty: the login is nobody's
  };
  struct Wrong {
    Duration delay{0};       // from the question to its answer
    bool worth_line = true;  // a repeated password is, once in a while
    unsigned repeated = 0;   // times since the last line
  };

  static constexpr std::size_t usual_capacity = 16'384;
  explicit Guesses(std::size_t capacity = usual_capacity);

  [[nodiscard]] Wrong wrong(const Attempt& attempt, const PasswordMemo::Digest& password, Instant now);
  // How long a right password waits for its yes, from the question.
  [[nodiscard]] Duration delay_of_right(const Attempt& attempt, Instant now) const;
  void right(const Attempt& attempt, Instant now);

  // Entries of the largest table.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Count {
    unsigned failures = 0;
    Instant last;
    [[nodiscard]] unsigned at(Instant now) const;
    void add(Instant now);
  };
  struct Pair {
    Count count;
    std::vector<PasswordMemo::Digest> passwords;  // the last few wrong ones
    Instant told_at;
    unsigned untold = 0;
  };
  struct Host {
    Count count;
    std::vector<std::string> good_logins;
    Instant last_good;
  };

  [[nodiscard]] static bool counts_alone(const Attempt& attempt, const Host& host, Instant now);
  [[nodiscard]] static bool is_repetition(const Pair& pair, const PasswordMemo::Digest& password);
  // That count against the attempt, by whichever measure they are most.
  [[nodiscard]] unsigned failures(const Attempt& attempt, Instant now) const;

  Recent<Pair> pairs_;
  Recent<Host> hosts_;
  Recent<Count> accounts_;
  Recent<Instant> good_;
};

// "192.0.2.7", "2001:db8:1:2::/64": what counts as one address.
[[nodiscard]] std::string address_group(std::string_view client_address);

}  // namespace saslift::auth
