// Waits for processes that nobody here started. Process 1 of a container becomes the parent of every orphan in it,
// as does a subreaper; those that have ended stay zombies until their parent has waited for them.
#pragma once

#include "proxy/keeper/signals.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"

namespace saslift::proxy::keeper {

// Whether orphans come to this process at all.
[[nodiscard]] bool inherits_orphans();

class OrphanReaper {
 public:
  explicit OrphanReaper(net::Loop& loop);
  OrphanReaper(const OrphanReaper&) = delete;
  OrphanReaper& operator=(const OrphanReaper&) = delete;
  ~OrphanReaper() = default;

 private:
  void reap();

  net::Loop& loop_;
  net::Timer again_;
  SignalWatch child_ended_;
};

}  // namespace saslift::proxy::keeper
