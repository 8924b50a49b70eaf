// The certificates of all listeners with TLS: where each comes from, what is in use, and whether what lies there now
// fits. The keeper looks every few seconds, because a mounted secret is swapped by renaming a directory, which
// no watch on the file would show.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "auth/log_event.h"
#include "config/settings.h"
#include "proxy/keeper/expiry_notice.h"
#include "proxy/keeper/own_certificate.h"

namespace saslift::proxy::keeper {

class ListenerCertificates {
 public:
  // In the order in which the workers know them; they outlive this.
  ListenerCertificates(const config::Settings& settings, std::vector<const config::Listener*> listeners);

  // Brings the first ones into use; what does not fit is said with the listener's name.
  [[nodiscard]] std::expected<void, std::string> open(WallTime now);

  struct Changed {
    std::uint32_t listener = 0;
    config::Secret pem;
  };
  struct Look {
    std::vector<Changed> changed;
    std::vector<auth::LogEvent> events;
  };
  [[nodiscard]] Look look(WallTime now);

  // In seconds since 1970; nullopt: TLS is off.
  [[nodiscard]] std::optional<std::int64_t> ends(std::uint32_t listener) const;
  // What is in use; empty where TLS is off.
  [[nodiscard]] config::Secret in_use(std::uint32_t listener) const;

 private:
  // One place that certificates come from, and the listeners that it serves.
  struct Place {
    std::vector<std::uint32_t> listeners;
    std::string names;  // of those, for the log
    config::CertificateSource source;
    std::vector<std::string> files;
    std::string stamp;  // of the files, as last looked at
    config::Secret pem;
    WallTime not_after;
    ExpiryNotice notice{WallTime{}};
    bool is_new = true;  // not told of yet
    int misfits = 0;     // looks in a row at which what lies there was of no use
  };
  using Candidate = std::expected<config::Secret, std::string>;

  [[nodiscard]] Place& place_of(const config::Listener& listener);
  [[nodiscard]] Candidate candidate(const Place& place, WallTime now) const;
  // Why OpenSSL does not take it; empty: it does.
  [[nodiscard]] std::string wrong_with(const Place& place, const config::Secret& pem) const;
  [[nodiscard]] auth::LogEvent own_in_use(const Place& place) const;
  [[nodiscard]] static bool is_own(const Place& place) { return place.source.chain.empty(); }
  void look_at(Place& place, WallTime now, Look& found) const;
  static void misfit(Place& place, const std::string& why, Look& found);
  static void use(Place& place, config::Secret pem);
  static void tell_expiry(Place& place, WallTime now, std::vector<auth::LogEvent>& events);

  OwnCertificate own_;
  std::vector<const config::Listener*> listeners_;
  std::vector<Place> places_;
};

}  // namespace saslift::proxy::keeper
