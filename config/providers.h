// The providers saslift knows by name, as EXCHANGE 1.12, 1.13 and 2 give them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace saslift::config {

inline constexpr std::string_view default_provider = "exchange-online";

// Who the tokens of a provider can stand for. `people_and_their_apps`: an app that acts for one mailbox at a time.
enum class TokensFor { apps_and_people, people_and_their_apps, people_alone };

struct Preset {
  Provider provider;  // its endpoints may hold "{tenant}"; the scope is that of an app, where it knows apps
  std::string delegated_scope;
  TokensFor tokens_for = TokensFor::apps_and_people;
  // Fields of `provider`, and "delegated_scope", for which EXCHANGE found no source that states them plainly.
  std::vector<std::string_view> unverified;

  [[nodiscard]] bool serves(Grant grant) const;
};

[[nodiscard]] const std::vector<Preset>& presets();
[[nodiscard]] const Preset* find_preset(std::string_view name);

// What an own provider's SMTP server is trusted to know.
[[nodiscard]] const SmtpExtensions& default_smtp_extensions();

// Whether Microsoft Entra, in any cloud, answers at this host.
[[nodiscard]] bool is_entra_host(std::string_view host);

}  // namespace saslift::config
