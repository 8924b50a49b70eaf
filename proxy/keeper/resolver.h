// Host names to numeric addresses, by the system's resolver and off the loop. No cache, no retries: the login
// desk has those.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "auth/login_desk.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"

namespace saslift::proxy::keeper {

class Resolver {
 public:
  using Resolved = std::function<void(const std::string& host, auth::ResolveOutcome outcome)>;

  Resolver(net::Loop& loop, Resolved resolved);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  // Never reports before it returns.
  void resolve(const std::string& host);
  // A look-up cannot be called off: the loop cannot end before it does.
  [[nodiscard]] bool busy() const { return !running_.empty(); }

 private:
  struct Lookup;

  void finished(Lookup& lookup, auth::ResolveOutcome outcome);
  void report_known();

  net::Loop& loop_;
  Resolved resolved_;
  std::vector<Lookup*> running_;  // owned by the thread pool until they are done
  std::vector<std::pair<std::string, auth::ResolveOutcome>> known_;
  net::Timer known_alarm_;
};

}  // namespace saslift::proxy::keeper
