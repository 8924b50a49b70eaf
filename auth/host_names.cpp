#include "auth/host_names.h"

#include <utility>

#include "config/network.h"

namespace saslift::auth {
namespace {

constexpr Duration freshness{60'000};
// With an old answer at hand a login does not sit out a resolver's time-outs.
constexpr Duration patience{2'000};
constexpr Duration pause_after_failure{2'000};

}  // namespace

HostAnswer HostNames::ask(const std::string& host, Instant now) {
  if (config::IpAddress::parse(host)) return HostKnown{{host}};
  Entry& entry = entries_[host];
  const bool has_answer = !entry.addresses.empty();
  if (has_answer && now < entry.fresh_until) return HostKnown{entry.addresses};
  if (!entry.looking_since) {
    if (entry.failed_at && now < *entry.failed_at + pause_after_failure) {
      if (has_answer) return HostKnown{entry.addresses};
      return HostUnknown{entry.error};
    }
    entry.looking_since = now;
    lookups_.push_back(host);
  }
  if (!has_answer) return HostPending{};
  const Instant until = *entry.looking_since + patience;
  if (now >= until) return HostKnown{entry.addresses};
  return HostPending{until};
}

void HostNames::found(const std::string& host, std::vector<std::string> addresses, Instant now) {
  Entry& entry = entries_[host];
  entry.addresses = std::move(addresses);
  entry.fresh_until = now + freshness;
  entry.looking_since.reset();
  entry.failed_at.reset();
  entry.error.clear();
}

void HostNames::failed(const std::string& host, HostUnknown why, Instant now) {
  Entry& entry = entries_[host];
  entry.looking_since.reset();
  entry.failed_at = now;
  entry.error = std::move(why.detail);
}

std::vector<std::string> HostNames::take_lookups() { return std::exchange(lookups_, {}); }

}  // namespace saslift::auth
