#include "auth/grants/withhold.h"

#include <array>

#include "auth/grants/form.h"

namespace saslift::auth {
namespace {

// Shorter ones occur in any text by chance.
constexpr std::size_t shortest = 4;

bool holds(std::string_view text, std::string_view secret) {
  return secret.size() >= shortest && text.find(secret) != std::string_view::npos;
}

}  // namespace

void withhold_secrets(const config::Identity& identity, const config::Secret* refresh_token, TokenError& error) {
  const std::array<const config::Secret*, 5> secrets{&identity.client_secret, &identity.refresh_token,
                                                     &identity.password, &identity.managed_identity.header,
                                                     refresh_token};
  for (const config::Secret* secret : secrets) {
    if (secret == nullptr || secret->empty()) continue;
    const config::Secret encoded = url_encoded(secret->reveal());
    for (std::string* text : {&error.error, &error.description, &error.correlation_id, &error.trace_id}) {
      if (holds(*text, secret->reveal()) || holds(*text, encoded.reveal())) *text = "(withheld)";
    }
  }
}

}  // namespace saslift::auth
