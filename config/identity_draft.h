// One [identity.NAME] while it is read, shared by the files that each read a part of it.
#pragma once

#include <string>
#include <string_view>

#include "config/providers.h"
#include "config/sections.h"

namespace saslift::config {

inline constexpr std::string_view tenant_hole = "{tenant}";

struct IdentityDraft {
  TableReader& reader;
  const Reading& reading;
  const Preset* preset = nullptr;  // its provider, where that is one
  PlacedProvider provider;
  Identity identity;
  bool at_entra = false;

  void error(Position at, std::string text) { reader.error(at, std::move(text)); }
};

// grant_keys.cpp: refuses each key of the table that does nothing for the identity's grant.
void refuse_idle_keys(IdentityDraft& draft);

// identity_credentials.cpp: what the identity proves itself with.
void take_credentials(IdentityDraft& draft);

// identity_redirect.cpp
void take_redirect_uri(IdentityDraft& draft);

// identity_endpoints.cpp: fills {tenant} in, and asks where the secrets go.
void settle_endpoints(IdentityDraft& draft);
[[nodiscard]] bool is_shared_tenant(std::string_view tenant);

// identity_scope.cpp
void settle_scope(IdentityDraft& draft);

// platform_identity.cpp: what the environment says of federated and managed identities.
void take_federated(IdentityDraft& draft);
void take_managed_identity(IdentityDraft& draft);

}  // namespace saslift::config
