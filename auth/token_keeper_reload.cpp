#include "auth/token_keeper.h"

namespace saslift::auth {

void TokenKeeper::reload(const config::Settings& before) {
  for (auto next = states_.begin(); next != states_.end();) {
    auto& [key, state] = *next;
    const auto was = before.identities.find(key.identity);
    const auto is = settings_->identities.find(key.identity);
    const bool same = was != before.identities.end() && is != settings_->identities.end() &&
                      config::gets_same_tokens(was->second, is->second);
    if (same) {
      ++next;
    } else if (state.fetching_since) {
      // Its reply belongs to nobody any more; until it is here no other fetch could be told from it.
      State outdated;
      outdated.fetching_since = state.fetching_since;
      outdated.outdated = true;
      state = std::move(outdated);
      ++next;
    } else {
      next = states_.erase(next);
    }
  }
}

}  // namespace saslift::auth
