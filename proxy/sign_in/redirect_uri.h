// The redirect URI of a sign-in by browser: where the provider sends the browser, as registered for the app. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saslift::proxy::sign_in {

// RFC 8252 section 7.3: a native app listens on the loopback, at any port.
inline constexpr std::string_view default_redirect_uri = "http://localhost";

struct LoopbackUri {
  std::string host;        // as written: localhost, 127.0.0.1, [::1]
  std::uint16_t port = 0;  // 0: any
  std::string path;        // as written, perhaps empty

  [[nodiscard]] std::string at_port(std::uint16_t actual) const;
  [[nodiscard]] std::string request_path() const { return path.empty() ? "/" : path; }
};

// nullopt: not an http URI of the loopback, so that only pasting remains.
[[nodiscard]] std::optional<LoopbackUri> loopback_uri(std::string_view uri);

}  // namespace saslift::proxy::sign_in
