#include "auth/grants/device_code.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "auth/grants/client_request.h"
#include "auth/grants/token_json.h"

namespace saslift::auth {
namespace {

using Json = nlohmann::json;

constexpr std::string_view grant_type = "urn:ietf:params:oauth:grant-type:device_code";
constexpr Duration usual_life{900'000};
constexpr Duration longest_life{3'600'000};
constexpr Duration usual_interval{5'000};  // RFC 8628 section 3.2
constexpr Duration longest_interval{60'000};
constexpr Duration slower_by{5'000};  // RFC 8628 section 3.5
constexpr std::size_t longest_user_code = 64;
constexpr std::size_t longest_address = 1024;

// These say nothing of the code. Every other error ends the polling: RFC 8628 section 3.5.
constexpr std::array<std::string_view, 8> passing_errors{
    "unreachable", "tls", "timeout", "fetch_died", "not_json", "too_long", "temporarily_unavailable", "server_error"};

bool passes(const TokenError& error) {
  return error.error.starts_with("http_") || std::ranges::find(passing_errors, error.error) != passing_errors.end();
}

bool is_shown_as_written(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

bool is_user_code(std::string_view text) {
  // Some have a space in the middle.
  return !text.empty() && text.size() <= longest_user_code &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7F; });
}

bool is_address(std::string_view text) {
  return text.starts_with("https://") && text.size() <= longest_address && is_shown_as_written(text);
}

std::string text_of(const Json& json, const char* name) {
  const auto member = json.find(name);
  return member != json.end() && member->is_string() ? member->get<std::string>() : std::string();
}

struct Bounds {
  Duration usual;
  Duration longest;
};
Duration seconds_of(const Json& json, const char* name, Bounds bounds) {
  const auto member = json.find(name);
  if (member == json.end() || !member->is_number()) return bounds.usual;
  const auto longest = std::chrono::duration<double>(bounds.longest).count();
  return std::chrono::seconds(static_cast<std::int64_t>(std::clamp(member->get<double>(), 1.0, longest)));
}

// nullopt: no such reply.
std::optional<DeviceAuthorization> read_authorization(std::string_view body) {
  TokenJson taken = take_tokens(body);
  const Json json = Json::parse(taken.text, nullptr, false);
  if (!json.is_object() || json.contains("error")) return std::nullopt;
  DeviceAuthorization made;
  made.device_code = taken.take(text_of(json, "device_code"));
  made.user_code = text_of(json, "user_code");
  made.verification_uri = text_of(json, "verification_uri");
  // Google's name for it, older than the RFC.
  if (made.verification_uri.empty()) made.verification_uri = text_of(json, "verification_url");
  made.verification_uri_complete = text_of(json, "verification_uri_complete");
  if (!is_address(made.verification_uri_complete)) made.verification_uri_complete.clear();
  made.life = seconds_of(json, "expires_in", {.usual = usual_life, .longest = longest_life});
  made.interval = seconds_of(json, "interval", {.usual = usual_interval, .longest = longest_interval});
  if (made.device_code.empty() || !is_user_code(made.user_code) || !is_address(made.verification_uri)) {
    return std::nullopt;
  }
  return made;
}

}  // namespace

TokenRequest request_device_authorization(const config::Identity& identity, const config::Service& service,
                                          std::chrono::system_clock::time_point now) {
  return client_request(identity, service,
                        {.url = identity.provider.device_authorization_endpoint,
                         .fields = {{.name = "scope", .value = identity.provider.scope}},
                         .now = now});
}

std::expected<DeviceAuthorization, TokenError> read_device_authorization(FetchOutcome outcome) {
  if (outcome && outcome->status >= 200 && outcome->status < 300) {
    if (auto made = read_authorization(outcome->body.reveal())) return std::move(*made);
  }
  TokenOutcome refused = read_reply(std::move(outcome));
  if (!refused && refused.error().error != "no_token") return std::unexpected(std::move(refused.error()));
  TokenError none;
  none.error = "no_device_code";
  return std::unexpected(std::move(none));
}

TokenRequest request_device_token(const config::Identity& identity, const config::Service& service,
                                  const DevicePoll& poll) {
  return client_request(identity, service,
                        {.url = identity.provider.token_endpoint,
                         .fields = {{.name = "grant_type", .value = grant_type},
                                    {.name = "device_code", .value = poll.device_code.reveal()}},
                         .now = poll.now});
}

DevicePolling::DevicePolling(const DeviceAuthorization& authorization, Instant shown)
    : interval_(authorization.interval), ends_(shown + authorization.life), ask_at_(shown + interval_) {}

std::optional<Instant> DevicePolling::ask_at() const {
  if (ask_at_ >= ends_) return std::nullopt;
  return ask_at_;
}

DeviceVerdict DevicePolling::ask_again(Duration pause, Instant now) {
  ask_at_ = now + pause;
  if (!ask_at()) return expired_device_code();
  return AskAgain{};
}

DeviceVerdict DevicePolling::received(TokenOutcome outcome, Instant now) {
  if (outcome) return std::move(*outcome);
  TokenError& error = outcome.error();
  if (!passes(error)) failures_ = 0;
  if (error.error == "authorization_pending") return ask_again(interval_, now);
  if (error.error == "slow_down") {
    interval_ += slower_by;
    return ask_again(interval_, now);
  }
  if (!passes(error)) return std::move(error);
  // RFC 8628 section 3.5: doubled on each failed connection.
  failures_ = std::min(failures_ + 1, 8U);
  const Duration backed_off = std::min(interval_ * (1U << failures_), std::max(longest_interval, interval_));
  return ask_again(std::max(backed_off, error.retry_after.value_or(Duration{0})), now);
}

TokenError expired_device_code() {
  TokenError error;
  error.kind = TokenErrorKind::permanent;
  error.error = "expired_token";
  error.description = "the code was not confirmed in time";
  return error;
}

}  // namespace saslift::auth
