#include "proxy/keeper/reseal.h"

#include "auth/token_store.h"
#include "proxy/keeper/state_file.h"

namespace saslift::proxy::keeper {

std::expected<Resealed, std::string> reseal(const config::Service& service, const config::Secret& old_key) {
  StateFile file(service.state_dir);
  if (auto locked = file.lock(); !locked) return std::unexpected(std::move(locked.error().detail));
  auth::OpenedState opened = file.open(old_key);
  if (!opened.unreadable.empty())
    return std::unexpected(opened.unreadable + "; --from SOURCE names the key it is sealed with");
  auth::KeptState& kept = opened.kept;
  if (kept.generation == 0) return Resealed{.sign_ins = 0, .note = "nothing is kept yet"};

  ++kept.generation;
  std::expected<void, std::string> saved;
  if (const auto configured = auth::StateKey::made_from(service.state_key.reveal())) {
    saved = file.save(auth::seal(kept, *configured));
    if (saved) saved = file.forget_own_key();
  } else {
    const config::Secret material = auth::StateKey::new_material();
    saved = file.save_with_new_key(auth::seal(kept, *auth::StateKey::made_from(material.reveal())), material);
  }
  if (saved) saved = file.forget_previous();
  if (!saved) return std::unexpected(std::move(saved.error()));
  return Resealed{.sign_ins = kept.grants.size(), .note = std::move(opened.suspect)};
}

}  // namespace saslift::proxy::keeper
