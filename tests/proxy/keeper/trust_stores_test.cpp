#include "proxy/keeper/trust_stores.h"

#include "catch.h"

using namespace saslift::proxy::keeper;

TEST_CASE("a worker of an older generation is told of a trust store by its own index, or not at all") {
  TrustStores stores;
  stores.given(1, {"", "a.pem", "b.pem"});
  CHECK(stores.index_for({1, 2}) == 2U);
  stores.given(2, {"", "b.pem", "c.pem"});
  CHECK(stores.index_for({2, 1}) == 1U);
  CHECK(stores.index_for({1, 0}) == 0U);
  CHECK(stores.index_for({1, 1}) == 2U);
  CHECK_FALSE(stores.index_for({1, 2}));
  CHECK_FALSE(stores.index_for({1, 3}));
  for (unsigned generation = 3; generation <= 5; ++generation) stores.given(generation, {""});
  CHECK_FALSE(stores.index_for({1, 0}));
  CHECK(stores.index_for({2, 0}) == 0U);
}
