#include "proxy/keeper/tally.h"

#include <algorithm>
#include <string_view>

namespace saslift::proxy::keeper {
namespace {

struct Phase {
  std::string_view field;
  std::string_view name;
};
constexpr std::array phases_of_a_login{Phase{"keeper_ms", "keeper"}, Phase{"connect_ms", "connect"},
                                       Phase{"login_ms", "login"}};

const auth::LogValue* find(const auth::LogEvent& event, std::string_view field) {
  const auto found =
      std::ranges::find(event.fields, field, [](const auto& one) { return std::string_view(one.first); });
  return found != event.fields.end() ? &found->second : nullptr;
}

std::string text(const auth::LogEvent& event, std::string_view field) {
  const auto* value = find(event, field);
  const auto* words = value != nullptr ? std::get_if<std::string>(value) : nullptr;
  return words != nullptr ? *words : "unknown";
}

std::int64_t number(const auth::LogEvent& event, std::string_view field) {
  const auto* value = find(event, field);
  const auto* figure = value != nullptr ? std::get_if<std::int64_t>(value) : nullptr;
  return figure != nullptr ? *figure : 0;
}

}  // namespace

void Histogram::add(std::int64_t milliseconds) {
  const auto bound = std::ranges::lower_bound(bounds, milliseconds);
  if (bound != bounds.end()) ++counts_.at(static_cast<std::size_t>(bound - bounds.begin()));
  ++count_;
  sum_ += milliseconds;
}

std::uint64_t Histogram::up_to(std::size_t bound) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i <= bound; ++i) sum += counts_.at(i);
  return sum;
}

void Tally::count(const auth::LogEvent& event) {
  if (event.event == "login_succeeded") {
    ++logins[{text(event, "protocol"), "succeeded"}];
    for (const char* direction : {"up", "down"}) bytes.try_emplace({text(event, "protocol"), direction}, 0);
    for (const auto& [field, name] : phases_of_a_login) phases[std::string(name)].add(number(event, field));
  } else if (event.event == "login_refused") {
    ++logins[{text(event, "protocol"), text(event, "reason")}];
  } else if (event.event == "token_fetched") {
    ++fetches[{text(event, "identity"), "fetched"}];
  } else if (event.event == "token_fetch_failed") {
    ++fetches[{text(event, "identity"), "failed"}];
  } else if (event.event == "worker_died") {
    ++worker_deaths;
  } else if (event.event == "loop_stalled") {
    ++loop_stalls;
  } else if (event.event == "reloaded") {
    ++reloads;
  }
}

void Tally::count(const auth::Relayed& traffic) {
  const std::string protocol(config::name_of(traffic.protocol));
  bytes[{protocol, "up"}] += traffic.bytes_up;
  bytes[{protocol, "down"}] += traffic.bytes_down;
}

}  // namespace saslift::proxy::keeper
