// Password hashes, off the loop: a few at once, since each takes tens of megabytes, and a bounded queue behind
// them.
#pragma once

#include <deque>
#include <functional>

#include "auth/login_desk.h"
#include "proxy/net/loop.h"

namespace saslift::proxy::keeper {

class PasswordHasher {
 public:
  struct Limits {
    std::size_t at_once = 2;
    std::size_t waiting = 512;  // what two cores hash within a login's deadline
  };
  using Hashed = std::function<void(auth::HashId id, auth::HashOutcome outcome)>;

  PasswordHasher(net::Loop& loop, Limits limits, Hashed hashed);
  PasswordHasher(const PasswordHasher&) = delete;
  PasswordHasher& operator=(const PasswordHasher&) = delete;
  // The loop runs what is under way to its end; nobody hears of it.
  ~PasswordHasher();

  // May report overloaded before it returns.
  void hash(auth::HashPassword order);
  // Out of the queue; what a thread has begun it ends, and reports.
  void cancel(auth::HashId id);

 private:
  struct Job;

  void start_waiting();
  void finished(const Job& job);

  net::Loop& loop_;
  Limits limits_;
  Hashed hashed_;
  std::deque<auth::HashPassword> waiting_;
  std::vector<Job*> running_;  // owned by the thread pool until they are done
};

}  // namespace saslift::proxy::keeper
