#include "proxy/keeper/control_requests.h"

#include "catch.h"

using namespace saslift;
using namespace saslift::proxy::keeper;

namespace {

std::string error_of(std::string_view request) {
  const auto read = read_control_request(request);
  return read ? "none" : read.error();
}

}  // namespace

TEST_CASE("requests of the control socket") {
  CHECK(std::holds_alternative<StatusRequest>(read_control_request(status_request()).value()));
  for (const char* request : {"", "[]", "null", "{\"command\":", "\xff", "[[[[[[[[[[[[[["})
    CHECK(error_of(request) == "not a JSON object");
  for (const char* request : {"{}", "{\"command\":7}", "{\"command\":\"stop\"}"})
    CHECK(error_of(request) == "unknown command");
}

TEST_CASE("a sign-in is read as it was written, whatever is in it") {
  for (const std::string& token :
       {std::string("1//0canary-_~."), std::string(R"(quote " and \ backslash)"), std::string(60'000, 't')}) {
    const auth::SignIn written{
        .identity = "off\"ice", .refresh_token = config::Secret(token), .user = "Jos\xC3\xA9@contoso.com"};
    const auto read = read_control_request(sign_in_request(written).reveal());
    REQUIRE(read);
    const auto& sign_in = std::get<auth::SignIn>(*read);
    CHECK(sign_in.identity == written.identity);
    CHECK(sign_in.user == written.user);
    CHECK(sign_in.refresh_token.reveal() == token);
  }
}

TEST_CASE("a sign-in that lacks something is refused in words") {
  CHECK(error_of(R"({"command":"sign_in","refresh_token":"r"})") == "'identity' is missing");
  CHECK(error_of(R"({"command":"sign_in","identity":"office"})") == "'refresh_token' is missing");
  CHECK(error_of(R"({"command":"sign_in","identity":"office","refresh_token":""})") == "'refresh_token' is missing");
  CHECK(error_of(R"({"command":"sign_in","identity":"office","refresh_token":7})") == "'refresh_token' is missing");
  CHECK(error_of(R"({"command":"sign_in","identity":["office"],"refresh_token":"r"})") == "'identity' is missing");
  CHECK(error_of(R"({"command":"sign_in","identity":"office","refresh_token":"canary)") == "not a JSON object");
}

TEST_CASE("replies") {
  CHECK_FALSE(read_control_reply(control_success({})).value().sessions_ended);
  CHECK(read_control_reply(control_success({.sessions_ended = 7})).value().sessions_ended == 7U);
  CHECK(read_control_reply(control_failure("no \"room\"\n\xff")).error().starts_with("no \"room\"\n"));
  for (const char* reply : {"", "{}", "[]", R"({"ok":1})", R"({"ok":false})"})
    CHECK(read_control_reply(reply).error() == "the keeper's answer is not understood; is it of another version?");
}
