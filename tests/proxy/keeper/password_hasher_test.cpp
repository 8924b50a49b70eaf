#include "proxy/keeper/password_hasher.h"

#include <map>
#include <optional>

#include "auth/password.h"
#include "catch.h"
#include "on_loop.h"

using namespace saslift;
using auth::HashOutcome;
using proxy::keeper::PasswordHasher;
using tests::run_until;

namespace {

auth::HashPassword order(auth::HashId id, const std::string& phc, const std::string& password) {
  return {id, phc, config::Secret(password)};
}

}  // namespace

TEST_CASE("right and wrong passwords, a few at once, the rest in turn") {
  const std::string phc = auth::hash_password(config::Secret("right"));
  proxy::net::Loop loop;
  std::map<auth::HashId, HashOutcome> outcomes;
  PasswordHasher hasher(loop, {2, 10}, [&](auth::HashId id, HashOutcome outcome) { outcomes.emplace(id, outcome); });
  for (auth::HashId id = 0; id < 6; ++id) hasher.hash(order(id, phc, id % 2 == 0 ? "right" : "wrong"));
  CHECK(outcomes.empty());
  run_until(loop, [&] { return outcomes.size() == 6; });
  for (const auto& [id, outcome] : outcomes) {
    CHECK(outcome == (id % 2 == 0 ? HashOutcome::matches : HashOutcome::differs));
  }
}

TEST_CASE("a full queue is told at once") {
  const std::string phc = auth::hash_password(config::Secret("right"));
  proxy::net::Loop loop;
  std::map<auth::HashId, HashOutcome> outcomes;
  PasswordHasher hasher(loop, {1, 2}, [&](auth::HashId id, HashOutcome outcome) { outcomes.emplace(id, outcome); });
  for (auth::HashId id = 0; id < 4; ++id) hasher.hash(order(id, phc, "right"));
  CHECK(outcomes == std::map<auth::HashId, HashOutcome>{{3, HashOutcome::overloaded}});
  run_until(loop, [&] { return outcomes.size() == 4; });
  CHECK(outcomes.at(2) == HashOutcome::matches);
}

TEST_CASE("a hasher may go while it hashes") {
  const std::string phc = auth::hash_password(config::Secret("right"));
  proxy::net::Loop loop;
  bool told = false;
  std::optional<PasswordHasher> hasher;
  hasher.emplace(loop, PasswordHasher::Limits{2, 10}, [&](auth::HashId, HashOutcome) { told = true; });
  for (auth::HashId id = 0; id < 5; ++id) hasher->hash(order(id, phc, "right"));
  hasher.reset();
  loop.run();
  CHECK_FALSE(told);
}

TEST_CASE("what is called off before its turn is not hashed") {
  const std::string phc = auth::hash_password(config::Secret("right"));
  proxy::net::Loop loop;
  std::map<auth::HashId, HashOutcome> outcomes;
  PasswordHasher hasher(loop, {1, 10}, [&](auth::HashId id, HashOutcome outcome) { outcomes.emplace(id, outcome); });
  for (auth::HashId id = 0; id < 4; ++id) hasher.hash(order(id, phc, "right"));
  hasher.cancel(1);
  hasher.cancel(2);
  hasher.cancel(7);
  run_until(loop, [&] { return outcomes.contains(3); });
  CHECK(outcomes.size() == 2);
}
