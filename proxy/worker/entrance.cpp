#include "proxy/worker/entrance.h"

#include <algorithm>

#include "auth/guesses.h"

namespace saslift::proxy {
namespace {

constexpr auth::Duration one_of_an_address_every{60'000};

std::vector<config::Network> networks_of(const std::vector<std::string>& texts) {
  std::vector<config::Network> networks;
  for (const auto& text : texts) {
    if (const auto network = config::Network::parse(text)) networks.push_back(*network);
  }
  return networks;
}

bool is_in(const std::vector<config::Network>& networks, const std::string& text) {
  const auto address = config::IpAddress::parse(text);
  return address &&
         std::ranges::any_of(networks, [&](const config::Network& network) { return network.contains(*address); });
}

bool is_loopback(const std::string& text) {
  const auto address = config::IpAddress::parse(text);
  return address && address->is_loopback();
}

}  // namespace

EntryRules::EntryRules(const auth::WorkerListener& listener)
    : allow_(networks_of(listener.allow)), balancers_(networks_of(listener.proxy_from)) {
  for (const auto& text : listener.trusted) {
    if (const auto address = config::IpAddress::parse(text)) trusted_.insert(*address);
  }
}

bool EntryRules::is_balancer(const std::string& address) const { return is_in(balancers_, address); }

bool EntryRules::allows(const std::string& address) const { return allow_.empty() || is_in(allow_, address); }

bool EntryRules::trusts(const std::string& address) const {
  const auto parsed = config::IpAddress::parse(address);
  return parsed && trusted_.contains(*parsed);
}

Entrance::Limits Entrance::Limits::of(std::size_t session_cap) {
  return {.sessions = session_cap, .unauthenticated = std::max<std::size_t>(session_cap / 4, 1)};
}

std::optional<auth::TurnAway> Entrance::refusal_of_balancer() const {
  if (sessions_ >= limits_.sessions) return auth::TurnAway::session_cap;
  if (unauthenticated_.size() >= limits_.unauthenticated) return auth::TurnAway::unauthenticated_cap;
  return std::nullopt;
}

std::optional<auth::TurnAway> Entrance::refusal(const EntryRules& rules, const std::string& address) const {
  if (!rules.allows(address)) return auth::TurnAway::not_allowed;
  if (const auto full = refusal_of_balancer()) return full;
  if (is_loopback(address)) return std::nullopt;
  const auto host = by_host_.find(auth::address_group(address));
  if (host != by_host_.end() && host->second >= limits_.unauthenticated_per_host)
    return auth::TurnAway::unauthenticated_per_host;
  return std::nullopt;
}

void Entrance::came(auth::SessionId session, const std::string& address) {
  ++sessions_;
  std::string host = address.empty() ? std::string() : auth::address_group(address);
  if (!host.empty()) ++by_host_[host];
  unauthenticated_.emplace(session, std::move(host));
}

void Entrance::logged_in(auth::SessionId session) {
  const auto found = unauthenticated_.find(session);
  if (found == unauthenticated_.end()) return;
  if (const auto host = by_host_.find(found->second); host != by_host_.end() && --host->second == 0)
    by_host_.erase(host);
  unauthenticated_.erase(found);
}

void Entrance::left(auth::SessionId session) {
  logged_in(session);
  --sessions_;
}

void TurnAwayReports::turned_away(const auth::ClientsTurnedAway& one, auth::Instant now) {
  const std::string key = std::string(name_of(one.why)) + ' ' + auth::address_group(one.client_address);
  const auth::Instant* told = told_.find(key);
  if (told != nullptr && now - *told < one_of_an_address_every) {
    ++untold_[one.why];
    return;
  }
  told_.touch(key) = now;
  send_(one);
}

void TurnAwayReports::flush() {
  for (const auto& [why, count] : untold_) send_({.why = why, .listener = {}, .client_address = {}, .count = count});
  untold_.clear();
}

}  // namespace saslift::proxy
