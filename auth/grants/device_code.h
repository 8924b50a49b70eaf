// RFC 8628: a person confirms in any browser a code that is shown here, while the token endpoint is asked again and
// again. DevicePolling says when to ask, and what a reply means.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <variant>

#include "auth/grants/grant.h"

namespace saslift::auth {

struct DeviceAuthorization {
  config::Secret device_code;
  std::string user_code;                  // this and the addresses are printable: people type them
  std::string verification_uri;           // https
  std::string verification_uri_complete;  // with the code in it; empty: none
  Duration life{900'000};
  Duration interval{5'000};
};

[[nodiscard]] TokenRequest request_device_authorization(const config::Identity& identity,
                                                        const config::Service& service,
                                                        std::chrono::system_clock::time_point now);
[[nodiscard]] std::expected<DeviceAuthorization, TokenError> read_device_authorization(FetchOutcome outcome);

struct DevicePoll {
  const config::Secret& device_code;
  std::chrono::system_clock::time_point now;
};
// Whether the person has confirmed.
[[nodiscard]] TokenRequest request_device_token(const config::Identity& identity, const config::Service& service,
                                                const DevicePoll& poll);

struct AskAgain {};
using DeviceVerdict = std::variant<AskAgain, Token, TokenError>;

class DevicePolling {
 public:
  DevicePolling(const DeviceAuthorization& authorization, Instant shown);

  // nullopt: the code has expired by then.
  [[nodiscard]] std::optional<Instant> ask_at() const;
  [[nodiscard]] DeviceVerdict received(TokenOutcome outcome, Instant now);

 private:
  [[nodiscard]] DeviceVerdict ask_again(Duration pause, Instant now);

  Duration interval_;
  Instant ends_;
  Instant ask_at_;
  unsigned failures_ = 0;  // in a row: nothing usable came
};

// What is said of a code that nobody confirmed in time.
[[nodiscard]] TokenError expired_device_code();

}  // namespace saslift::auth
