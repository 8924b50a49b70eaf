#include "auth/grants/authorization_code.h"

#include <sodium.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "auth/grants/client_request.h"
#include "auth/grants/redirect.h"
#include "config/providers.h"
#include "config/text_forms.h"

namespace saslift::auth {
namespace {

constexpr std::size_t longest_error = 64;
constexpr std::size_t longest_description = 512;

std::string base64url(std::span<const unsigned char> bytes) {
  constexpr int alphabet = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), alphabet), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), alphabet);
  text.resize(text.size() - 1);  // its NUL
  return text;
}

// RFC 7636 section 4.2
std::string challenge_for(const config::Secret& verifier) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  const std::string_view text = verifier.reveal();
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return base64url(digest);
}

bool equal(std::string_view left, std::string_view right) {
  return left.size() == right.size() && sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string printable(std::string_view text, std::size_t most) {
  std::string clean(text.substr(0, most));
  std::ranges::replace_if(clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

bool asks_for(std::string_view scope, std::string_view wanted) {
  return (" " + std::string(scope) + " ").find(" " + std::string(wanted) + " ") != std::string::npos;
}

std::vector<FormField> fields_of_provider(const config::Identity& identity) {
  const std::string host = config::host_of_https_url(identity.provider.authorization_endpoint).value_or("");
  if (config::is_entra_host(host)) {
    std::vector<FormField> fields{{.name = "response_mode", .value = "query"}};
    // Else a browser that is signed in as somebody answers for that person at once.
    if (identity.owner.empty()) fields.push_back({.name = "prompt", .value = "select_account"});
    return fields;
  }
  // EXCHANGE 1.7: without both Google gives no refresh token but the first time.
  if (host == "accounts.google.com") {
    return {{.name = "access_type", .value = "offline"}, {.name = "prompt", .value = "consent"}};
  }
  // OpenID Connect Core section 11
  if (asks_for(identity.provider.scope, "offline_access")) return {{.name = "prompt", .value = "consent"}};
  return {};
}

}  // namespace

Authorization::Authorization(const config::Identity& identity, std::string redirect_uri, const AuthorizationSeed& seed,
                             Instant now)
    : redirect_uri_(std::move(redirect_uri)), state_(base64url(seed.state)), ends_(now + life) {
  std::string verifier = base64url(seed.verifier);
  verifier_ = config::Secret::taken_from(verifier);
  const std::string challenge = challenge_for(verifier_);
  std::vector<FormField> fields{{.name = "client_id", .value = identity.client_id},
                                {.name = "response_type", .value = "code"},
                                {.name = "redirect_uri", .value = redirect_uri_},
                                {.name = "scope", .value = identity.provider.scope},
                                {.name = "state", .value = state_},
                                {.name = "code_challenge", .value = challenge},
                                {.name = "code_challenge_method", .value = "S256"}};
  if (!identity.owner.empty()) fields.push_back({.name = "login_hint", .value = identity.owner});
  for (const FormField& field : fields_of_provider(identity)) fields.push_back(field);
  url_ = identity.provider.authorization_endpoint;
  url_ += url_.find('?') == std::string::npos ? '?' : '&';
  url_ += encode_form(fields).reveal();
}

RedirectVerdict Authorization::received(std::string_view query, Instant now) {
  auto redirect = read_redirect(query);
  if (!redirect) return ForeignRedirect{"it cannot be read"};
  if (!equal(redirect->state, state_)) return ForeignRedirect{"it does not belong to this sign-in: its state differs"};
  if (answered_) return ForeignRedirect{"this sign-in was answered already"};
  if (now >= ends_) return expired_authorization();
  if (!redirect->error.empty()) {
    answered_ = true;
    TokenError error;
    error.kind = TokenErrorKind::permanent;
    error.error = printable(redirect->error, longest_error);
    error.description = printable(redirect->error_description, longest_description);
    return error;
  }
  if (redirect->code.empty()) return ForeignRedirect{"it holds no code"};
  answered_ = true;
  return std::move(redirect->code);
}

TokenRequest Authorization::redeem(const config::Identity& identity, const config::Service& service,
                                   const Redemption& redemption) const {
  return client_request(identity, service,
                        {.url = identity.provider.token_endpoint,
                         .fields = {{.name = "grant_type", .value = "authorization_code"},
                                    {.name = "code", .value = redemption.code.reveal()},
                                    {.name = "redirect_uri", .value = redirect_uri_},
                                    {.name = "code_verifier", .value = verifier_.reveal()}},
                         .now = redemption.now});
}

TokenError expired_authorization() {
  TokenError error;
  error.kind = TokenErrorKind::permanent;
  error.error = "sign_in_expired";
  error.description = "the sign-in was not finished within 5 minutes";
  return error;
}

}  // namespace saslift::auth
