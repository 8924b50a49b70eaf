#include "proxy/keeper/control_requests.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "auth/grants/token_json.h"

namespace saslift::proxy::keeper {
namespace {

using json = nlohmann::ordered_json;

// Never throws at text that is no UTF-8.
std::string dump(const json& value) { return value.dump(-1, ' ', true, json::error_handler_t::replace); }

std::string text_of(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::expected<ControlRequest, std::string> read_sign_in(const json& object, auth::TokenJson& taken) {
  auth::SignIn sign_in;
  sign_in.identity = text_of(object, "identity");
  sign_in.user = text_of(object, "user");
  const std::string index = text_of(object, "refresh_token");
  std::size_t place = taken.tokens.size();
  std::from_chars(index.data(), index.data() + index.size(), place);
  if (sign_in.identity.empty()) return std::unexpected("'identity' is missing");
  if (place >= taken.tokens.size() || taken.tokens[place].empty()) return std::unexpected("'refresh_token' is missing");
  sign_in.refresh_token = config::Secret::guarded(taken.tokens[place].reveal());
  return ControlRequest(std::move(sign_in));
}

}  // namespace

std::expected<ControlRequest, std::string> read_control_request(std::string_view request) {
  auth::TokenJson taken = auth::take_tokens(request);
  const json object = json::parse(taken.text, nullptr, false);
  if (!object.is_object()) return std::unexpected("not a JSON object");
  const std::string command = text_of(object, "command");
  if (command == "status") return StatusRequest{};
  if (command == "reload") return ReloadRequest{};
  if (command == "kick") return KickRequest{text_of(object, "account")};
  if (command == "sign_in") return read_sign_in(object, taken);
  return std::unexpected("unknown command");
}

std::string status_request() { return R"({"command":"status"})"; }

std::string reload_request() { return R"({"command":"reload"})"; }

std::string kick_request(std::string_view account) { return dump({{"command", "kick"}, {"account", account}}); }

config::Secret sign_in_request(const auth::SignIn& sign_in) {
  const std::string start = R"({"command":"sign_in","identity":)" + dump(sign_in.identity) + R"(,"user":)" +
                            dump(sign_in.user) + R"(,"refresh_token":")";
  std::string request;
  request.reserve(start.size() + 2 * sign_in.refresh_token.size() + 2);  // so that growing leaves no copy behind
  request += start;
  for (const char c : sign_in.refresh_token.reveal()) {
    if (c == '"' || c == '\\') request += '\\';
    request += c;
  }
  request += "\"}";
  return config::Secret::taken_from(request);
}

std::string control_success(const ControlOutcome& outcome) {
  json object{{"ok", true}};
  if (outcome.sessions_ended) object["sessions_ended"] = *outcome.sessions_ended;
  return dump(object);
}

std::string control_failure(std::string_view error) { return dump({{"ok", false}, {"error", error}}); }

std::expected<ControlOutcome, std::string> read_control_reply(std::string_view reply) {
  const json object = json::parse(reply, nullptr, false);
  const auto ok = object.is_object() ? object.find("ok") : object.end();
  if (object.is_object() && ok != object.end() && ok->is_boolean() && ok->get<bool>()) {
    ControlOutcome outcome;
    const auto ended = object.find("sessions_ended");
    if (ended != object.end() && ended->is_number_unsigned()) outcome.sessions_ended = ended->get<std::size_t>();
    return outcome;
  }
  const std::string error = object.is_object() ? text_of(object, "error") : std::string();
  return std::unexpected(error.empty() ? "the keeper's answer is not understood; is it of another version?" : error);
}

}  // namespace saslift::proxy::keeper
