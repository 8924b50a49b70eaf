// Who gets a session, and how many get one that are not logged in. Pure: the worker's loop accepts and closes.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth/clock.h"
#include "auth/login.h"
#include "auth/recent.h"
#include "config/network.h"

namespace saslift::proxy {

// What one listener demands of whoever connects to it.
class EntryRules {
 public:
  explicit EntryRules(const auth::WorkerListener& listener);

  [[nodiscard]] bool is_balancer(const std::string& address) const;
  [[nodiscard]] bool allows(const std::string& address) const;
  [[nodiscard]] bool trusts(const std::string& address) const;

 private:
  std::vector<config::Network> allow_;  // empty: everybody
  std::vector<config::Network> balancers_;
  std::set<config::IpAddress> trusted_;
};

class Entrance {
 public:
  struct Limits {
    std::size_t sessions = 0;
    std::size_t unauthenticated = 0;
    std::size_t unauthenticated_per_host = 10;  // loopback is exempt

    [[nodiscard]] static Limits of(std::size_t session_cap);
  };

  Entrance() = default;
  explicit Entrance(Limits limits) : limits_(limits) {}

  [[nodiscard]] std::optional<auth::TurnAway> refusal(const EntryRules& rules, const std::string& address) const;
  // A load balancer, before it has said for whom it speaks.
  [[nodiscard]] std::optional<auth::TurnAway> refusal_of_balancer() const;

  void came(auth::SessionId session, const std::string& address);
  void balancer_came(auth::SessionId session) { came(session, {}); }
  void logged_in(auth::SessionId session);
  void left(auth::SessionId session);

 private:
  Limits limits_;
  std::size_t sessions_ = 0;
  std::unordered_map<auth::SessionId, std::string> unauthenticated_;  // to its host
  std::map<std::string, std::size_t> by_host_;
};

// Reports to the keeper: the first of an address at once, for each reason and minute; of the others their number.
class TurnAwayReports {
 public:
  using Send = std::function<void(auth::ClientsTurnedAway)>;
  explicit TurnAwayReports(Send send) : send_(std::move(send)) {}

  void turned_away(const auth::ClientsTurnedAway& one, auth::Instant now);
  // What has not been reported yet.
  void flush();

 private:
  Send send_;
  auth::Recent<auth::Instant> told_{1'024};
  std::map<auth::TurnAway, std::uint32_t> untold_;
};

}  // namespace saslift::proxy
