#include "auth/turned_away.h"

#include <string>

#include "auth/guesses.h"

namespace saslift::auth {
namespace {

constexpr Duration a_line_every{60'000};

std::string_view remedy_for(TurnAway why) {
  switch (why) {
    case TurnAway::not_allowed:
      return "if it belongs here, add its network to 'allow' of this listener";
    case TurnAway::session_cap:
    case TurnAway::unauthenticated_cap:
      return "raise the number of open files (LimitNOFILE), or find out who opens so many connections";
    case TurnAway::unauthenticated_per_host:
      return "one address may have 10 connections that are not logged in, in each worker; a load balancer belongs "
             "into 'proxy_from'";
    case TurnAway::no_proxy_header:
      return "this address is in 'proxy_from': switch PROXY protocol on there, or take it out of the list";
  }
  return {};
}

}  // namespace

std::optional<LogEvent> TurnedAway::report(const ClientsTurnedAway& report, Instant now) {
  counts_.at(static_cast<std::size_t>(report.why)) += report.count;
  if (report.client_address.empty()) return std::nullopt;
  const std::string key = std::string(name_of(report.why)) + ' ' + address_group(report.client_address);
  if (const Instant* told = told_.find(key); told != nullptr && now - *told < a_line_every) return std::nullopt;
  told_.touch(key) = now;
  return LogEvent{.level = config::LogLevel::warning,
                  .event = "client_turned_away",
                  .fields = {{"client", report.client_address},
                             {"listener", report.listener},
                             {"reason", std::string(name_of(report.why))},
                             {"remedy", std::string(remedy_for(report.why))}}};
}

}  // namespace saslift::auth
