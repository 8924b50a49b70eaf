// Token exchanges, each in a fetch process of its own: killed at its deadline, eight at once, the rest wait.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/login_desk.h"
#include "proxy/keeper/child_process.h"
#include "proxy/net/timer.h"

namespace saslift::proxy::keeper {

class TokenFetcher {
 public:
  static constexpr std::size_t most_at_once = 8;

  struct Limits {
    auth::Duration life{10'000};
  };
  using Fetched = std::function<void(const auth::TokenKey& key, auth::FetchOutcome outcome)>;

  // `program` is told its request on standard input: proxy/fetch/messages.h.
  TokenFetcher(net::Loop& loop, Program program, Limits limits, Fetched fetched);
  TokenFetcher(const TokenFetcher&) = delete;
  TokenFetcher& operator=(const TokenFetcher&) = delete;
  // Kills what runs.
  ~TokenFetcher();

  void fetch(auth::FetchToken order);

 private:
  class Run;

  void reap_and_start();
  void start(auth::FetchToken order);

  net::Loop& loop_;
  Program program_;
  Limits limits_;
  Fetched fetched_;
  std::deque<auth::FetchToken> waiting_;
  std::vector<std::unique_ptr<Run>> running_;
  net::Timer next_;  // nothing of libuv's is destroyed inside its own callback
};

}  // namespace saslift::proxy::keeper
