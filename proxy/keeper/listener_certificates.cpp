#include "proxy/keeper/listener_certificates.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "config/certificate_source.h"
#include "proxy/keeper/certificate_facts.h"
#include "proxy/keeper/own_certificate.h"
#include "proxy/net/tls_context.h"

namespace saslift::proxy::keeper {
namespace {

// Two files are replaced one after the other: what does not fit now may fit at the next look.
constexpr int misfits_before_told = 2;

// Changes when a file is written to, replaced, or reached through another link.
std::string stamp_of(const std::vector<std::string>& files) {
  std::string stamp;
  for (const std::string& file : files) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) {
      stamp += "none;";
      continue;
    }
    stamp += fmt::format("{}:{}:{}:{}.{};", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                         status.st_mtim.tv_nsec);
  }
  return stamp;
}

std::string date_of(WallTime time) { return timestamp(time).substr(0, sizeof "2026-11-21" - 1); }

}  // namespace

ListenerCertificates::ListenerCertificates(const config::Settings& settings,
                                           std::vector<const config::Listener*> listeners)
    : own_{own_certificate_path(settings.service), own_names(settings)}, listeners_(std::move(listeners)) {
  for (std::uint32_t index = 0; index < listeners_.size(); ++index) {
    const config::Listener& listener = *listeners_[index];
    if (listener.tls == config::ListenerTls::off) continue;
    Place& place = place_of(listener);
    place.listeners.push_back(index);
    place.names += (place.names.empty() ? "" : ", ") + listener.name;
  }
}

ListenerCertificates::Place& ListenerCertificates::place_of(const config::Listener& listener) {
  const auto found = std::ranges::find_if(places_, [&](const Place& place) {
    return place.source.chain == listener.certificate.chain && place.source.key == listener.certificate.key;
  });
  if (found != places_.end()) return *found;
  Place& made = places_.emplace_back();
  made.source = listener.certificate;
  made.files = is_own(made) ? std::vector{own_.path} : config::files_of(made.source);
  return made;
}

ListenerCertificates::Candidate ListenerCertificates::candidate(const Place& place, WallTime now) const {
  if (is_own(place)) return own_certificate(own_, now);
  auto read = config::read_certificate(place.source);
  if (!read) return std::unexpected(read.error().text);
  return std::move(read->pem);
}

std::expected<void, std::string> ListenerCertificates::open(WallTime now) {
  for (Place& place : places_) {
    Candidate pem =
        is_own(place) ? candidate(place, now) : Candidate(listeners_[place.listeners.front()]->certificate_pem.copy());
    if (!pem) return std::unexpected(fmt::format("{}: {}", place.names, pem.error()));
    if (const auto wrong = wrong_with(place, *pem); !wrong.empty()) {
      return std::unexpected(fmt::format("{}: {}", place.names, wrong));
    }
    use(place, std::move(*pem));
  }
  return {};
}

auth::LogEvent ListenerCertificates::own_in_use(const Place& place) const {
  auth::LogEvent event{config::LogLevel::info,
                       "own_certificate",
                       {{"listeners", place.names},
                        {"file", place.files.front()},
                        {"text", "self-signed; saslift certificate prints it for a device's trust list"}}};
  const auto missing = names_missing_in(place.pem.reveal(), own_.names);
  if (!missing.empty()) {
    event.fields.emplace_back("names_missing", fmt::format("{}", fmt::join(missing, " ")));
    event.fields.emplace_back(
        "next_step",
        "to have one with them: remove the file, start again, and carry the new one to the devices "
        "that trust it");
  }
  return event;
}

std::string ListenerCertificates::wrong_with(const Place& place, const config::Secret& pem) const {
  try {
    for (const std::uint32_t listener : place.listeners) {
      const bool is_legacy = listeners_[listener]->legacy_tls;
      const net::ListenerTlsContext fits(
          pem, {.alpn = {}, .versions = is_legacy ? net::TlsVersions::legacy : net::TlsVersions::current});
    }
  } catch (const std::exception& wrong) {
    return wrong.what();
  }
  return {};
}

ListenerCertificates::Look ListenerCertificates::look(WallTime now) {
  Look found;
  for (Place& place : places_) {
    if (std::exchange(place.is_new, false) && is_own(place)) found.events.push_back(own_in_use(place));
    look_at(place, now, found);
    tell_expiry(place, now, found.events);
  }
  return found;
}

void ListenerCertificates::look_at(Place& place, WallTime now, Look& found) const {
  std::string stamp = stamp_of(place.files);
  const bool is_at_its_end = is_own(place) && place.not_after - now < own_certificate_renewed_before;
  if (stamp != place.stamp) {
    place.misfits = 0;
  } else if (place.misfits == 0 && !is_at_its_end) {
    return;
  }
  place.stamp = std::move(stamp);
  Candidate pem = candidate(place, now);
  if (!pem) return misfit(place, pem.error(), found);
  if (const auto wrong = wrong_with(place, *pem); !wrong.empty()) return misfit(place, wrong, found);
  place.misfits = 0;
  place.stamp = stamp_of(place.files);
  if (pem->reveal() == place.pem.reveal()) return;
  use(place, std::move(*pem));
  for (const std::uint32_t listener : place.listeners) found.changed.push_back({listener, place.pem.copy()});
  found.events.push_back({config::LogLevel::info,
                          "certificate_renewed",
                          {{"listeners", place.names}, {"not_after", date_of(place.not_after)}}});
}

void ListenerCertificates::misfit(Place& place, const std::string& why, Look& found) {
  if (++place.misfits != misfits_before_told) return;
  found.events.push_back({config::LogLevel::warning,
                          "certificate_not_renewed",
                          {{"listeners", place.names}, {"reason", why}, {"consequence", "the old one stays in use"}}});
}

void ListenerCertificates::use(Place& place, config::Secret pem) {
  place.pem = config::Secret::guarded(pem.reveal());
  const auto facts = read_facts(place.pem.reveal());
  place.not_after = facts ? facts->not_after : WallTime{};
  place.notice = ExpiryNotice(place.not_after);
}

void ListenerCertificates::tell_expiry(Place& place, WallTime now, std::vector<auth::LogEvent>& events) {
  const auto days = place.notice.due(now);
  if (!days) return;
  const bool is_over = *days <= 0;
  events.push_back(
      {is_over ? config::LogLevel::error : config::LogLevel::warning,
       is_over ? "certificate_expired" : "certificate_expires",
       {{"listeners", place.names},
        {"not_after", date_of(place.not_after)},
        {"days_left", std::int64_t{std::max(*days, 0)}},
        {"next_step", is_own(place) ? "a new one is made on its last day; devices that trust this one by name "
                                      "need it then: saslift certificate"
                                    : "put a new one in its place; it is taken without a restart"}}});
}

std::optional<std::int64_t> ListenerCertificates::ends(std::uint32_t listener) const {
  for (const Place& place : places_) {
    if (std::ranges::find(place.listeners, listener) == place.listeners.end()) continue;
    return std::chrono::duration_cast<std::chrono::seconds>(place.not_after.time_since_epoch()).count();
  }
  return std::nullopt;
}

config::Secret ListenerCertificates::in_use(std::uint32_t listener) const {
  for (const Place& place : places_) {
    if (std::ranges::find(place.listeners, listener) != place.listeners.end()) return place.pem.copy();
  }
  return {};
}

}  // namespace saslift::proxy::keeper
