// What a caller of the control socket asks, and what it hears: one line of JSON each.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "auth/sign_in.h"
#include "config/secret.h"

namespace saslift::proxy::keeper {

struct StatusRequest {};
struct ReloadRequest {};
struct KickRequest {
  std::string account;
};
using ControlRequest = std::variant<StatusRequest, auth::SignIn, ReloadRequest, KickRequest>;

// The error tells the caller what is wrong with its request.
[[nodiscard]] std::expected<ControlRequest, std::string> read_control_request(std::string_view request);

[[nodiscard]] std::string status_request();
[[nodiscard]] std::string reload_request();
[[nodiscard]] std::string kick_request(std::string_view account);
// {"command":"sign_in","identity":...,"refresh_token":...,"user":...}
[[nodiscard]] config::Secret sign_in_request(const auth::SignIn& sign_in);

// What came of an order that was carried out.
struct ControlOutcome {
  std::optional<std::size_t> sessions_ended = std::nullopt;  // by a reload or a kick
};

// {"ok":true,"sessions_ended":...}, {"ok":false,"error":...}
[[nodiscard]] std::string control_success(const ControlOutcome& outcome);
[[nodiscard]] std::string control_failure(std::string_view error);
[[nodiscard]] std::expected<ControlOutcome, std::string> read_control_reply(std::string_view reply);

}  // namespace saslift::proxy::keeper
