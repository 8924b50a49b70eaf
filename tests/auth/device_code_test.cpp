#include "auth/grants/device_code.h"

#include <deque>

#include "auth/remedies.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;

namespace {

const Instant start{1'000'000ms};

TokenReply reply(int status, std::string_view body) {
  TokenReply made;
  made.status = status;
  made.body = config::Secret(body);
  return made;
}

TokenOutcome refused(std::string_view error) {
  return read_reply(reply(400, R"({"error":")" + std::string(error) + "\"}"));
}

TokenOutcome unreachable() { return read_reply(std::unexpected(FetchError{FetchFailure::unreachable, "no route"})); }

DeviceAuthorization authorization(Duration interval = 5s) {
  DeviceAuthorization made;
  made.interval = interval;
  made.life = 900s;
  return made;
}

// What the person does, told as the errors that are polled, and the seconds between the polls.
struct Polled {
  std::vector<std::int64_t> pauses;
  std::string end;  // the last error, or "token"
};

Polled poll(const DeviceAuthorization& shown, std::deque<TokenOutcome> outcomes) {
  DevicePolling polling(shown, start);
  Polled polled;
  Instant now = start;
  while (polled.end.empty()) {
    const auto at = polling.ask_at();
    if (!at) {
      polled.end = "over";
      break;
    }
    polled.pauses.push_back(std::chrono::duration_cast<std::chrono::seconds>(*at - now).count());
    now = *at;
    REQUIRE_FALSE(outcomes.empty());
    const DeviceVerdict verdict = polling.received(std::move(outcomes.front()), now);
    outcomes.pop_front();
    if (std::holds_alternative<Token>(verdict)) polled.end = "token";
    if (const auto* error = std::get_if<TokenError>(&verdict)) polled.end = error->error;
  }
  CHECK(outcomes.empty());
  return polled;
}

std::deque<TokenOutcome> outcomes(const std::vector<std::string>& names) {
  std::deque<TokenOutcome> made;
  for (const std::string& name : names) {
    if (name == "token") {
      made.push_back(read_reply(reply(200, R"({"access_token":"abc","expires_in":3599})")));
    } else if (name == "unreachable") {
      made.push_back(unreachable());
    } else {
      made.push_back(refused(name));
    }
  }
  return made;
}

}  // namespace

TEST_CASE("device_code asks as EXCHANGE 1.5 says") {
  config::Identity identity;
  identity.client_id = "app";
  identity.provider.scope = "https://outlook.office.com/SMTP.Send offline_access";
  identity.provider.token_endpoint = "https://login.example/token";
  identity.provider.device_authorization_endpoint = "https://login.example/devicecode";
  identity.provider.ca_file = "/ca.pem";
  const TokenRequest shown = request_device_authorization(identity, {}, {});
  CHECK(shown.url == "https://login.example/devicecode");
  CHECK(shown.ca_file == "/ca.pem");
  CHECK(shown.body.reveal() == "client_id=app&scope=https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20offline_access");
  const config::Secret code("d/c");
  const TokenRequest polled = request_device_token(identity, {}, {.device_code = code, .now = {}});
  CHECK(polled.url == "https://login.example/token");
  CHECK(polled.body.reveal() ==
        "client_id=app&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d%2Fc");
  identity.client_secret = config::Secret("s+t");
  CHECK(request_device_token(identity, {}, {.device_code = code, .now = {}})
            .body.reveal()
            .ends_with("&device_code=d%2Fc&client_secret=s%2Bt"));
}

TEST_CASE("a device authorization is read, with the RFC's defaults and Google's name for the address") {
  auto made = read_device_authorization(
      reply(200, R"({"device_code":"GmRh","user_code":"WDJB-MJHT","verification_uri":"https://example.com/device",
      "verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT","expires_in":1800,"interval":7})"));
  REQUIRE(made.has_value());
  CHECK(made->device_code.reveal() == "GmRh");
  CHECK(made->user_code == "WDJB-MJHT");
  CHECK(made->verification_uri == "https://example.com/device");
  CHECK(made->verification_uri_complete == "https://example.com/device?user_code=WDJB-MJHT");
  CHECK(made->life == 1800s);
  CHECK(made->interval == 7s);
  made = read_device_authorization(
      reply(200, R"({"device_code":"d","user_code":"u v","verification_url":"https://google.com/device"})"));
  REQUIRE(made.has_value());
  CHECK(made->verification_uri == "https://google.com/device");
  CHECK(made->verification_uri_complete.empty());
  CHECK(made->life == 900s);
  CHECK(made->interval == 5s);
  made = read_device_authorization(reply(
      200, R"({"device_code":"d","user_code":"u","verification_uri":"https://a/","expires_in":1e300,"interval":-1})"));
  REQUIRE(made.has_value());
  CHECK(made->life == 1h);
  CHECK(made->interval == 1s);
}

TEST_CASE("what is no device authorization has a name, and a remedy") {
  struct Row {
    int status;
    std::string body;
    std::string error;
  };
  const std::string good = R"("user_code":"u","verification_uri":"https://a/")";
  for (const Row& row : std::vector<Row>{
           {400, R"({"error":"unauthorized_client"})", "unauthorized_client"},
           {200, R"({"error":"invalid_scope","device_code":"d",)" + good + "}", "invalid_scope"},
           {200, "{" + good + "}", "no_device_code"},
           {200, R"({"device_code":"",)" + good + "}", "no_device_code"},
           {200, R"({"device_code":7,)" + good + "}", "no_device_code"},
           {200, R"({"device_code":"d","user_code":"u"})", "no_device_code"},
           {200, R"({"device_code":"d","user_code":"u","verification_uri":"http://a/"})", "no_device_code"},
           {200, R"({"device_code":"d","user_code":"u","verification_uri":"https://a/\u001b[2J"})", "no_device_code"},
           {200, R"({"device_code":"d","user_code":"\u0007","verification_uri":"https://a/"})", "no_device_code"},
           {200, R"({"access_token":"abc"})", "no_device_code"},
           {404, "<html>", "not_json"},
       }) {
    CAPTURE(row.body);
    const auto made = read_device_authorization(reply(row.status, row.body));
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().error == row.error);
    CHECK(remedy_for(made.error()).has_value());
  }
  CHECK(read_device_authorization(std::unexpected(FetchError{FetchFailure::tls, "x"})).error().error == "tls");
}

TEST_CASE("polling: every interval while pending, 5 s slower when told, until the person has decided") {
  struct Row {
    std::vector<std::string> errors;
    std::vector<std::int64_t> pauses;
    std::string end;
  };
  for (const Row& row : std::vector<Row>{
           {{"token"}, {5}, "token"},
           {{"authorization_pending", "authorization_pending", "token"}, {5, 5, 5}, "token"},
           {{"slow_down", "authorization_pending", "slow_down", "token"}, {5, 10, 10, 15}, "token"},
           {{"authorization_pending", "authorization_declined"}, {5, 5}, "authorization_declined"},
           {{"access_denied"}, {5}, "access_denied"},
           {{"expired_token"}, {5}, "expired_token"},
           {{"bad_verification_code"}, {5}, "bad_verification_code"},
           {{"invalid_grant"}, {5}, "invalid_grant"},
           {{"something_new"}, {5}, "something_new"},
           {{"unreachable", "unreachable", "unreachable", "unreachable", "unreachable", "authorization_pending",
             "unreachable", "token"},
            {5, 10, 20, 40, 60, 60, 5, 10},
            "token"},
           {{"server_error", "temporarily_unavailable", "token"}, {5, 10, 20}, "token"},
       }) {
    CAPTURE(row.errors);
    const Polled polled = poll(authorization(), outcomes(row.errors));
    CHECK(polled.pauses == row.pauses);
    CHECK(polled.end == row.end);
  }
  CHECK(poll(authorization(90s), outcomes({"unreachable", "token"})).pauses == std::vector<std::int64_t>{90, 90});
}

TEST_CASE("polling waits as long as a throttling provider says, and ends with the code's life") {
  std::deque<TokenOutcome> throttled;
  TokenReply busy = reply(429, "Too Many Requests");
  busy.retry_after = 45s;
  throttled.push_back(read_reply(std::move(busy)));
  throttled.push_back(refused("access_denied"));
  CHECK(poll(authorization(), std::move(throttled)).pauses == std::vector<std::int64_t>{5, 45});

  std::vector<std::string> pending(9, "authorization_pending");
  const Polled polled = poll(authorization(100s), outcomes({pending.begin(), pending.begin() + 8}));
  CHECK(polled.end == "expired_token");
  DeviceAuthorization brief = authorization(5s);
  brief.life = 5s;
  CHECK(poll(brief, {}).end == "over");
  CHECK(remedy_for(expired_device_code())->next_step == "start over with a new code");
}
