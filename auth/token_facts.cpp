#include "auth/token_facts.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "auth/grants/base64url.h"

namespace saslift::auth {
namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_value = 512;
// EXCHANGE 1.8, and RFC 9068's name for appid. In the order in which they are shown.
constexpr std::array<std::string_view, 16> shown_claims{"aud",
                                                        "iss",
                                                        "tid",
                                                        "appid",
                                                        "azp",
                                                        "client_id",
                                                        "app_displayname",
                                                        "idtyp",
                                                        "oid",
                                                        "sub",
                                                        "upn",
                                                        "preferred_username",
                                                        "unique_name",
                                                        "roles",
                                                        "scp",
                                                        "scope"};
constexpr std::array<std::string_view, 2> shown_dates{"nbf", "exp"};
constexpr std::int64_t end_of_year_9999 = 253'402'300'799;

std::optional<Json> claims_of(std::string_view jwt) {
  const std::size_t first = jwt.find('.');
  const std::size_t second = jwt.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto payload = from_base64url(jwt.substr(first + 1, second - first - 1));
  if (!payload) return std::nullopt;
  Json claims = Json::parse(*payload, nullptr, false);
  if (!claims.is_object()) return std::nullopt;
  return claims;
}

std::string printable(std::string_view text) {
  std::string clean(text.substr(0, longest_value));
  std::ranges::replace_if(clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

// Of a text, or of a list of texts.
std::string text_of(const Json& claim) {
  if (claim.is_string()) return printable(claim.get_ref<const std::string&>());
  std::string joined;
  if (!claim.is_array()) return joined;
  for (const Json& one : claim) {
    if (!one.is_string() || joined.size() > longest_value) continue;
    if (!joined.empty()) joined += ' ';
    joined += one.get_ref<const std::string&>();
  }
  return printable(joined);
}

std::string date_of(const Json& claim) {
  if (!claim.is_number_integer()) return {};
  const auto seconds = claim.get<std::int64_t>();
  if (seconds < 0 || seconds > end_of_year_9999) return {};
  std::tm utc{};
  const std::time_t time = seconds;
  gmtime_r(&time, &utc);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
}

const std::string* find(const std::vector<TokenFact>& facts, std::string_view name) {
  const auto found = std::ranges::find(facts, name, &TokenFact::name);
  return found == facts.end() ? nullptr : &found->value;
}

bool has_word(std::string_view words, std::string_view wanted) {
  return fmt::format(" {} ", words).find(fmt::format(" {} ", wanted)) != std::string::npos;
}

struct Right {
  config::Protocol protocol;
  std::string_view role;   // of an app
  std::string_view scope;  // of a person
};
// EXCHANGE 1.11
constexpr std::array<Right, 3> rights{{{config::Protocol::imap, "IMAP.AccessAsApp", "IMAP.AccessAsUser.All"},
                                       {config::Protocol::pop3, "POP.AccessAsApp", "POP.AccessAsUser.All"},
                                       {config::Protocol::smtp, "SMTP.SendAsApp", "SMTP.Send"}}};

// Exchange Online itself, by its name or by its application's ID.
bool is_for_exchange(std::string_view audience) {
  return audience.find("outlook.office") != std::string_view::npos ||
         audience.find("outlook.cn") != std::string_view::npos || audience == "00000002-0000-0ff1-ce00-000000000000";
}

bool is_for_graph(std::string_view audience) {
  return audience.find("graph.microsoft") != std::string_view::npos ||
         audience.find("microsoftgraph") != std::string_view::npos ||
         audience == "00000003-0000-0000-c000-000000000000";
}

}  // namespace

std::vector<TokenFact> facts_of_token(std::string_view access_token) {
  std::vector<TokenFact> facts;
  const auto claims = claims_of(access_token);
  if (!claims) return facts;
  const auto add = [&](std::string_view name, std::string (*read)(const Json&)) {
    const auto claim = claims->find(std::string(name));
    if (claim == claims->end()) return;
    if (std::string value = read(*claim); !value.empty()) facts.push_back({std::string(name), std::move(value)});
  };
  for (const std::string_view name : shown_claims) add(name, text_of);
  for (const std::string_view name : shown_dates) add(name, date_of);
  return facts;
}

std::vector<std::string> doubts_about(const std::vector<TokenFact>& facts, const config::Provider& provider) {
  std::vector<std::string> doubts;
  const std::string* audience = find(facts, "aud");
  if (audience == nullptr) return doubts;
  if (is_for_graph(*audience)) {
    doubts.push_back(
        fmt::format("the token is for Microsoft Graph ({}), which no mail server takes: check scope", *audience));
  }
  if (!is_for_exchange(*audience)) return doubts;
  const std::string* roles = find(facts, "roles");
  const std::string* scopes = find(facts, "scp");
  for (const Right& right : rights) {
    if (!provider.endpoint(right.protocol)) continue;
    const bool granted =
        scopes != nullptr ? has_word(*scopes, right.scope) : roles != nullptr && has_word(*roles, right.role);
    if (granted) continue;
    doubts.push_back(
        fmt::format("the token has no {}, so {} will be refused: add the permission to the app and consent",
                    scopes != nullptr ? right.scope : right.role, config::name_of(right.protocol)));
  }
  return doubts;
}

}  // namespace saslift::auth
