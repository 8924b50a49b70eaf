#include "proxy/commands/status_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>

namespace saslift::proxy::commands {
namespace {

using nlohmann::json;

constexpr std::int64_t days_worth_telling = 30;

std::string duration(std::int64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} days", seconds / 86'400);
}

// A provider's words end up on a terminal here.
std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

void append_identity(std::string& table, const json& identity) {
  const json& life = identity.at("token_life_seconds");
  const auto token = life.is_null() ? std::string("no token") : "token for " + duration(life.get<std::int64_t>());
  const auto error = printable(identity.at("last_error").get<std::string>());
  fmt::format_to(std::back_inserter(table), "  {:<24} {}{}{}\n", printable(identity.at("name").get<std::string>()),
                 token, error.empty() ? "" : "; last error: ", error);
  for (const json& expiry : identity.at("expires")) {
    const auto days = expiry.at("days_left").get<std::int64_t>();
    if (days > days_worth_telling) continue;
    auto what = printable(expiry.at("what").get<std::string>());
    std::replace(what.begin(), what.end(), '_', ' ');
    fmt::format_to(std::back_inserter(table), "  {:<24} {} {} on {}\n", "", what, days < 0 ? "ended" : "ends",
                   printable(expiry.at("on").get<std::string>()));
  }
  const auto user = printable(identity.at("user").get<std::string>());
  if (!user.empty()) fmt::format_to(std::back_inserter(table), "  {:<24} signed in: {}\n", "", user);
  const auto needed = printable(identity.at("sign_in_needed").get<std::string>());
  if (!needed.empty()) fmt::format_to(std::back_inserter(table), "  {:<24} needs a sign-in: {}\n", "", needed);
}

std::string write_table(const json& status) {
  std::string table =
      fmt::format("saslift {}, pid {}, up {}\n", status.at("version").get<std::string>(), status.at("pid").get<int>(),
                  duration(status.at("uptime_seconds").get<std::int64_t>()));
  const auto out = std::back_inserter(table);
  const json& logins = status.at("logins");
  fmt::format_to(out, "sessions {}, logins {}, refused {}, open questions {}, log lines dropped {}\n",
                 status.at("sessions").get<std::uint64_t>(), logins.at("succeeded").get<std::uint64_t>(),
                 logins.at("refused").get<std::uint64_t>(), status.at("open_questions").get<std::uint64_t>(),
                 status.at("log_lines_dropped").get<std::uint64_t>());
  const json& slots = status.at("slots");
  fmt::format_to(out, "connections at providers {}, waiting for one {}\n", slots.at("in_use").get<std::uint64_t>(),
                 slots.at("waiting").get<std::uint64_t>());
  std::string away;
  for (const auto& [why, count] : status.at("turned_away").items()) {
    const auto number = count.get<std::uint64_t>();
    if (number > 0) fmt::format_to(std::back_inserter(away), "{} {} {}", away.empty() ? "" : ",", why, number);
  }
  if (!away.empty()) fmt::format_to(out, "turned away{}\n", away);
  if (const auto old = status.at("old_tls_clients").get<std::uint64_t>(); old > 0) {
    fmt::format_to(out, "clients turned away for old TLS {}; see legacy_tls\n", old);
  }
  fmt::format_to(out, "listeners\n");
  for (const auto& listener : status.at("listeners")) {
    fmt::format_to(out, "  {:<5} {:<24} tls {}\n", listener.at("protocol").get<std::string>(),
                   listener.at("address").get<std::string>(), listener.at("tls").get<std::string>());
  }
  fmt::format_to(out, "workers\n");
  for (const auto& worker : status.at("workers")) {
    const int pid = worker.at("pid").get<int>();
    fmt::format_to(
        out, "  {}, restarts {}\n",
        pid == 0 ? "not running" : fmt::format("pid {}, since {}", pid, worker.at("started").get<std::string>()),
        worker.at("restarts").get<unsigned>());
  }
  fmt::format_to(out, "identities\n");
  for (const auto& identity : status.at("identities")) append_identity(table, identity);
  const auto health = status.at("state").at("health").get<std::string>();
  const auto detail = printable(status.at("state").at("detail").get<std::string>());
  if (health != "unused") fmt::format_to(out, "state {}{}{}\n", health, detail.empty() ? "" : ": ", detail);
  return table;
}

}  // namespace

std::optional<std::string> status_table(std::string_view reply) {
  const json status = json::parse(reply, nullptr, false);
  if (status.is_discarded()) return std::nullopt;
  try {
    return write_table(status);
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace saslift::proxy::commands
