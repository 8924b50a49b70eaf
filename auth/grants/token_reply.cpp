// Reading a token endpoint's reply. Only the JSON member "error" makes an error permanent: a status, a page
// of HTML or silence may come from anything between us and the provider.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "auth/grants/grant.h"
#include "auth/grants/jwt.h"
#include "auth/grants/token_json.h"

namespace saslift::auth {
namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_description = 512;
constexpr std::size_t longest_word = 64;
// So that it fits in a frame to a worker (auth/frames.h) beside all else.
constexpr std::size_t largest_token = 32 * 1024;
// So that it fits, URL-encoded, into a request and, with those of others, into the sealed state.
constexpr std::size_t largest_refresh_token = 16 * 1024;
constexpr std::int64_t usual_life_seconds = 3600;
constexpr std::int64_t shortest_life_seconds = 60;
constexpr std::int64_t longest_life_seconds = 86'400;

constexpr std::array<std::string_view, 10> permanent_errors = {
    "invalid_client",         "invalid_grant",    "unauthorized_client",  "invalid_scope",    "invalid_request",
    "unsupported_grant_type", "invalid_resource", "interaction_required", "consent_required", "access_denied"};

std::string printable(std::string_view text, std::size_t most) {
  std::string clean(text.substr(0, most));
  std::replace_if(clean.begin(), clean.end(), [](char c) { return c == '\r' || c == '\n' || c == '\t'; }, ' ');
  std::replace_if(clean.begin(), clean.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return clean;
}

std::string text_of(const Json& json, const char* name) {
  const auto member = json.find(name);
  return member != json.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// A number, or one in a string (EXCHANGE 1.1, 1.10). nullopt: neither.
std::optional<std::int64_t> seconds_in(const Json& json, const char* name) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max() / 4;
  const auto member = json.find(name);
  if (member != json.end() && member->is_number()) {
    return static_cast<std::int64_t>(std::clamp(member->get<double>(), 0.0, static_cast<double>(most)));
  }
  const std::string text = text_of(json, name);
  std::int64_t parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error == std::errc::result_out_of_range) return text.front() == '-' ? 0 : most;
  if (error != std::errc()) return std::nullopt;
  return std::clamp<std::int64_t>(parsed, 0, most);
}

Duration life_of(const Json& json, std::chrono::system_clock::time_point received) {
  std::int64_t seconds = usual_life_seconds;
  if (const auto life = seconds_in(json, "expires_in")) {
    seconds = *life;
  } else if (const auto end = seconds_in(json, "expires_on")) {
    seconds = *end - std::chrono::duration_cast<std::chrono::seconds>(received.time_since_epoch()).count();
  }
  return std::chrono::seconds(std::clamp(seconds, shortest_life_seconds, longest_life_seconds));
}

bool has_error(const Json& json) {
  const auto member = json.find("error");
  return member != json.end() && !member->is_null();
}

std::string_view name_of(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::unreachable:
      return "unreachable";
    case FetchFailure::tls:
      return "tls";
    case FetchFailure::timeout:
      return "timeout";
    case FetchFailure::too_long:
      return "too_long";
    case FetchFailure::died:
      return "fetch_died";
    case FetchFailure::no_assertion:
      return "no_assertion";
    case FetchFailure::command_failed:
      return "command_failed";
  }
  return "unknown";
}

bool is_token(std::string_view token, std::size_t most) {
  return !token.empty() && token.size() <= most &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

// What take_tokens() has put aside. nullptr: no such member, or none with a text in it.
config::Secret* token_of(const Json& json, const char* name, std::vector<config::Secret>& tokens) {
  const std::string index = text_of(json, name);
  std::size_t place = tokens.size();
  std::from_chars(index.data(), index.data() + index.size(), place);
  return place < tokens.size() && !tokens[place].empty() ? &tokens[place] : nullptr;
}

// EXCHANGE 1.10
bool platform_says_later(int status) { return status == 404 || status == 410 || status == 429 || status >= 500; }

TokenErrorKind kind_of(std::string_view error, const TokenReply& reply) {
  const bool permanent =
      reply.answerer == Answerer::platform
          ? !platform_says_later(reply.status)
          : std::find(permanent_errors.begin(), permanent_errors.end(), error) != permanent_errors.end();
  return permanent ? TokenErrorKind::permanent : TokenErrorKind::temporary;
}

TokenError read_error(const Json& json, TokenError error, const TokenReply& reply) {
  const std::string name = text_of(json, "error");
  error.kind = kind_of(name, reply);
  error.error = name.empty() ? "unnamed_error" : printable(name, longest_word);
  if (const std::string text = text_of(json, "error_description"); !text.empty())
    error.description = printable(text, longest_description);
  if (const std::string id = text_of(json, "correlation_id"); !id.empty())
    error.correlation_id = printable(id, longest_word);
  if (const std::string id = text_of(json, "trace_id"); !id.empty()) error.trace_id = printable(id, longest_word);
  return error;
}

std::string user_of(const config::Secret* id_token, const config::Secret& access_token) {
  std::string user = id_token != nullptr ? user_in_jwt(id_token->reveal()) : std::string();
  return user.empty() ? user_in_jwt(access_token.reveal()) : user;
}

TokenOutcome read_object(const Json& json, std::vector<config::Secret>& tokens, TokenError error) {
  const auto flaw = [&](std::string_view name) {
    error.error = name;
    return std::unexpected(std::move(error));
  };
  config::Secret* access_token = token_of(json, "access_token", tokens);
  if (access_token == nullptr) return flaw("no_token");
  if (!is_token(access_token->reveal(), largest_token)) return flaw("unfit_token");
  Token token;
  token.user = user_of(token_of(json, "id_token", tokens), *access_token);
  token.access_token = std::move(*access_token);
  if (config::Secret* refresh_token = token_of(json, "refresh_token", tokens)) {
    if (!is_token(refresh_token->reveal(), largest_refresh_token)) return flaw("unfit_refresh_token");
    token.refresh_token = std::move(*refresh_token);
  }
  return token;
}

}  // namespace

TokenOutcome read_reply(FetchOutcome outcome) {
  TokenError error;
  if (!outcome) {
    error.error = name_of(outcome.error().kind);
    error.description = printable(outcome.error().detail, longest_description);
    return std::unexpected(std::move(error));
  }
  error.description = "HTTP status " + std::to_string(outcome->status);
  error.correlation_id = printable(outcome->correlation_id, longest_word);
  error.trace_id = printable(outcome->trace_id, longest_word);
  error.retry_after = outcome->retry_after;
  if (outcome->body.size() > largest_token_reply) {
    error.error = "too_long";
    return std::unexpected(std::move(error));
  }
  TokenJson taken = take_tokens(outcome->body.reveal());
  // The parser is not recursive; its depth costs heap alone, bounded by the reply's size.
  const Json json = Json::parse(taken.text, nullptr, false);
  if (!json.is_object()) {
    error.error = "not_json";
    return std::unexpected(std::move(error));
  }
  const bool succeeded = outcome->status >= 200 && outcome->status < 300;
  if (has_error(json)) return std::unexpected(read_error(json, std::move(error), *outcome));
  if (!succeeded) {
    error.error = "http_" + std::to_string(outcome->status);
    return std::unexpected(std::move(error));
  }
  TokenOutcome token = read_object(json, taken.tokens, std::move(error));
  if (token) token->life = life_of(json, outcome->received);
  return token;
}

}  // namespace saslift::auth
