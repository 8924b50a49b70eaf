#include "auth/grants/jwt.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "auth/grants/base64url.h"
#include "config/signing_key.h"

namespace saslift::auth {
namespace {

using Json = nlohmann::ordered_json;

// For clocks that differ (EXCHANGE 1.3, 1.8).
constexpr std::chrono::seconds backdated{60};
constexpr std::size_t longest_user = 320;

// A GUID's form, of what makes this request differ from every other (RFC 7519 4.1.7).
std::string fresh_id(const AssertionClaims& claims, std::chrono::system_clock::time_point now) {
  const std::string seed = std::string(claims.issuer) + '\n' + std::string(claims.subject) + '\n' +
                           std::to_string(now.time_since_epoch().count());
  std::array<unsigned char, 16> bytes{};
  crypto_generichash(bytes.data(), bytes.size(), reinterpret_cast<const unsigned char*>(seed.data()), seed.size(),
                     nullptr, 0);
  std::array<char, 2 * bytes.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  std::string id(hex.data());
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) id.insert(dash, 1, '-');
  return id;
}

Json header_of(const config::SigningKey& key) {
  const bool ps256 = key.algorithm == config::AssertionAlgorithm::ps256;
  Json header{{"alg", ps256 ? "PS256" : "RS256"}, {"typ", "JWT"}};
  // EXCHANGE 1.3: each algorithm with the thumbprint it is documented with.
  if (const auto facts = config::facts_of_certificate(key.certificate_der)) {
    if (ps256) {
      header["x5t#S256"] = to_base64url(facts->sha256);
    } else {
      header["x5t"] = to_base64url(facts->sha1);
    }
  }
  return header;
}

}  // namespace

std::string jwt_signing_input(const config::SigningKey& key, const AssertionClaims& claims,
                              std::chrono::system_clock::time_point now) {
  const auto issued = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  Json payload{{"iss", claims.issuer}, {"sub", claims.subject}, {"aud", claims.audience}};
  if (!claims.scope.empty()) payload["scope"] = claims.scope;
  payload["jti"] = fresh_id(claims, now);
  payload["iat"] = (issued - backdated).count();
  payload["nbf"] = (issued - backdated).count();
  payload["exp"] = (issued + claims.life).count();
  constexpr auto replace = Json::error_handler_t::replace;
  return to_base64url(header_of(key).dump(-1, ' ', false, replace)) + '.' +
         to_base64url(payload.dump(-1, ' ', false, replace));
}

std::string user_in_jwt(std::string_view jwt) {
  const auto first = jwt.find('.');
  const auto second = jwt.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return {};
  const auto payload = from_base64url(jwt.substr(first + 1, second - first - 1));
  if (!payload) return {};
  const auto claims = nlohmann::json::parse(*payload, nullptr, false);
  if (!claims.is_object()) return {};
  for (const char* name : {"preferred_username", "upn", "unique_name", "email"}) {
    const auto claim = claims.find(name);
    if (claim == claims.end() || !claim->is_string()) continue;
    const auto& user = claim->get_ref<const std::string&>();
    const bool printable = std::ranges::all_of(user, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
    if (!user.empty() && user.size() <= longest_user && printable) return user;
  }
  return {};
}

}  // namespace saslift::auth
