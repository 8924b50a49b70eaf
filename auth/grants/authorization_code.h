// RFC 6749 section 4.1 with PKCE S256 (RFC 7636): a person signs in with a browser, which brings back a code that
// is worth a token once, to whoever holds the verifier.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "auth/grants/grant.h"

namespace saslift::auth {

// Random bytes.
struct AuthorizationSeed {
  std::array<unsigned char, 32> verifier{};
  std::array<unsigned char, 24> state{};
};

// Not the answer to this sign-in: somebody else's, an older one's, or nothing at all. One goes on waiting.
struct ForeignRedirect {
  std::string why;
};
using RedirectVerdict = std::variant<config::Secret, TokenError, ForeignRedirect>;  // Secret: the code

struct Redemption {
  const config::Secret& code;
  std::chrono::system_clock::time_point now;
};

// One sign-in: one answer, within 5 minutes.
class Authorization {
 public:
  static constexpr Duration life{300'000};

  Authorization(const config::Identity& identity, std::string redirect_uri, const AuthorizationSeed& seed, Instant now);

  // Where the browser goes.
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& redirect_uri() const { return redirect_uri_; }
  [[nodiscard]] Instant ends() const { return ends_; }

  [[nodiscard]] RedirectVerdict received(std::string_view query, Instant now);
  [[nodiscard]] TokenRequest redeem(const config::Identity& identity, const config::Service& service,
                                    const Redemption& redemption) const;

 private:
  std::string redirect_uri_;
  config::Secret verifier_;
  std::string state_;
  std::string url_;
  Instant ends_;
  bool answered_ = false;
};

// What is said of a sign-in that nobody finished in time.
[[nodiscard]] TokenError expired_authorization();

}  // namespace saslift::auth
