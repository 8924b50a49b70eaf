#include "auth/token_store.h"

#include <map>
#include <set>

#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;
using saslift::tests::make_identity;

namespace {

StateKey key_of(char letter) { return StateKey::made_from(std::string(StateKey::least_material, letter)).value(); }

KeptGrant grant(const std::string& identity, const std::string& token) {
  KeptGrant grant;
  grant.identity = identity;
  grant.granted_for = granted_for(make_identity(identity));
  grant.refresh_token = config::Secret::guarded(token);
  grant.user = identity + "@contoso.com";
  grant.obtained_at = 1'700'000'000;
  grant.refreshed_at = -1;
  grant.seed = std::string("\0seed\xFF", 6);
  return grant;
}

KeptState two_grants() {
  KeptState state;
  state.generation = 7;
  state.grants.push_back(grant("office", "canary-refresh-1"));
  state.grants.push_back(grant("plant", std::string(20'000, 'r')));
  return state;
}

bool same(const KeptGrant& one, const KeptGrant& other) {
  return one.identity == other.identity && one.granted_for == other.granted_for &&
         one.refresh_token.reveal() == other.refresh_token.reveal() && one.user == other.user &&
         one.obtained_at == other.obtained_at && one.refreshed_at == other.refreshed_at && one.seed == other.seed;
}

std::string flaw_of(std::string_view bytes, const StateKey& key) {
  const auto opened = open_sealed(bytes, key);
  if (opened) return "opens";
  switch (opened.error()) {
    case SealFlaw::not_ours:
      return "not ours";
    case SealFlaw::unknown_version:
      return "unknown version";
    case SealFlaw::other_key:
      return "other key";
    case SealFlaw::damaged:
      return "damaged";
  }
  return "";
}

}  // namespace

TEST_CASE("what is sealed opens with the same key, byte for byte") {
  const StateKey key = key_of('k');
  const KeptState state = two_grants();
  const auto opened = open_sealed(seal(state, key), key);
  REQUIRE(opened);
  CHECK(opened->generation == 7);
  REQUIRE(opened->grants.size() == 2);
  CHECK(same(opened->grants[0], state.grants[0]));
  CHECK(same(opened->grants[1], state.grants[1]));
  CHECK(open_sealed(seal({}, key), key)->grants.empty());
}

TEST_CASE("FAULTS 53: sealed bytes show nothing, and are others each time") {
  const StateKey key = key_of('k');
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string sealed = seal(two_grants(), key);
    for (const char* word : {"canary", "office", "contoso", "rrrr"}) CHECK_FALSE(sealed.contains(word));
    CHECK(seen.insert(sealed).second);
  }
}

TEST_CASE("FAULTS 44: each byte flipped, cut or added is told, and never opens as nothing") {
  const StateKey key = key_of('k');
  KeptState small;
  small.generation = 1;
  small.grants.push_back(grant("office", "r"));
  const std::string good = seal(small, key);
  std::map<std::string, int> told;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int bit : {0, 7}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      const std::string flaw = flaw_of(bad, key);
      CHECK(flaw != "opens");
      ++told[flaw];
    }
    CHECK(flaw_of(good.substr(0, at), key) == "damaged");
  }
  CHECK(told == std::map<std::string, int>{{"not ours", 28},
                                           {"unknown version", 2},
                                           {"other key", 32},
                                           {"damaged", static_cast<int>(2 * good.size()) - 62}});
  CHECK(flaw_of(good + '\0', key) == "damaged");
  CHECK(flaw_of("[identity.office]", key) == "not ours");
}

TEST_CASE("another key does not open it, and is named") {
  CHECK(flaw_of(seal(two_grants(), key_of('k')), key_of('l')) == "other key");
  CHECK(flaw_of(seal(two_grants(), key_of('k')), key_of('k')) == "opens");
  CHECK(flaw_of(seal(two_grants(), key_of('k')), key_of('k').copy()) == "opens");
}

TEST_CASE("FAULTS 44: the header of another generation does not fit") {
  const StateKey key = key_of('k');
  const std::string one = seal(two_grants(), key);
  KeptState other = two_grants();
  other.generation = 8;
  const std::string two = seal(other, key);
  const std::size_t header = std::string_view("saslift state\n").size() + 1 + 16 + 8;
  CHECK(flaw_of(two.substr(0, header) + one.substr(header), key) == "damaged");
}

TEST_CASE("key material has at least 32 bytes, and fresh material differs") {
  CHECK_FALSE(StateKey::made_from(std::string(31, 'x')).has_value());
  CHECK(StateKey::made_from(std::string(32, 'x')).has_value());
  const config::Secret one = StateKey::new_material();
  CHECK(one.size() == 64);
  CHECK(one.reveal().find_first_not_of("0123456789abcdef") == std::string_view::npos);
  CHECK(one.reveal() != StateKey::new_material().reveal());
}

TEST_CASE("a refresh token is granted for a provider, tenant, client and scope") {
  const config::Identity office = make_identity("office");
  CHECK(granted_for(office) == granted_for(make_identity("office")));
  config::Identity other = make_identity("office");
  SECTION("endpoint") { other.provider.token_endpoint += "/v2"; }
  SECTION("tenant") { other.tenant = "fabrikam.example"; }
  SECTION("client") { other.client_id = "another"; }
  SECTION("scope") { other.provider.scope += " offline_access"; }
  CHECK_FALSE(granted_for(office) == granted_for(other));
}

TEST_CASE("a seed tells tokens apart and does not hold them") {
  const config::Secret token("canary-refresh");
  CHECK(seed_of(token) == seed_of(config::Secret("canary-refresh")));
  CHECK(seed_of(token) != seed_of(config::Secret("canary-refresh2")));
  CHECK_FALSE(seed_of(token).contains("canary"));
}
