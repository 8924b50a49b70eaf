// The fields that [provider.NAME] tables and identities share, laid over what stands below them:
// preset or defaults, then the own provider, then the identity.
#pragma once

#include <filesystem>

#include "config/settings.h"
#include "config/table_reader.h"

namespace saslift::config {

// A provider with the place where its token request was written; a preset's have none.
struct PlacedProvider {
  Provider provider;
  Position token_endpoint_at;
  Position scope_at;
};

// Reads the shared fields of `reader` over `provider`; what is wrong is reported and left as it was.
void lay_over(PlacedProvider& provider, TableReader& reader, const std::filesystem::path& directory);

}  // namespace saslift::config
