// Saves of the state, off the loop and one at a time.
#pragma once

#include <functional>
#include <memory>

#include "auth/refresh_tokens.h"
#include "proxy/keeper/state_file.h"
#include "proxy/net/loop.h"

namespace saslift::proxy::keeper {

class StateSaver {
 public:
  using Saved = std::function<void(auth::SaveOutcome outcome)>;

  StateSaver(net::Loop& loop, StateFile file, Saved saved);
  StateSaver(const StateSaver&) = delete;
  StateSaver& operator=(const StateSaver&) = delete;
  // The loop runs a save under way to its end; nobody hears of it.
  ~StateSaver();

  // Not while one is under way.
  void save(auth::SaveState order);

 private:
  struct Job;

  net::Loop& loop_;
  std::shared_ptr<StateFile> file_;  // shared with the thread pool
  Saved saved_;
  Job* running_ = nullptr;  // owned by the thread pool until it is done
};

}  // namespace saslift::proxy::keeper
