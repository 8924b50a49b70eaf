#include "proxy/commands/readiness_lines.h"

#include "catch.h"

using namespace saslift::proxy::commands;

TEST_CASE("readiness as people read it") {
  const auto ready = told_readiness(R"({"ready":true,"lacking":[]})");
  REQUIRE(ready);
  CHECK(readiness_lines(*ready) == "ready\n");

  const auto not_ready = told_readiness(R"({"ready":false,"lacking":["identity office: invalid_client \u001b[31m"]})");
  REQUIRE(not_ready);
  CHECK_FALSE(not_ready->ready);
  CHECK(readiness_lines(*not_ready) == "not ready\nidentity office: invalid_client ?[31m\n");
}

TEST_CASE("what tells no readiness") {
  for (const char* reply : {"", "{}", "[]", "7", R"({"error":"unknown command"})", R"({"ready":1,"lacking":[]})",
                            R"({"ready":true,"lacking":[7]})", R"({"ready":true})"}) {
    CHECK_FALSE(told_readiness(reply));
  }
}
