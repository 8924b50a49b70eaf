#include "proxy/keeper/resolver.h"

#include <map>
#include <optional>

#include "catch.h"
#include "on_loop.h"

using namespace saslift;
using proxy::keeper::Resolver;

TEST_CASE("addresses are handed through, names looked up, nonsense reported, nothing before the call returns") {
  proxy::net::Loop loop;
  std::map<std::string, auth::ResolveOutcome> answers;
  Resolver resolver(
      loop, [&](const std::string& host, auth::ResolveOutcome outcome) { answers.emplace(host, std::move(outcome)); });
  // Neither of the two gets as far as a name server: a label, and a whole name, over its limit (RFC 1035 2.3.4).
  const std::string long_label = std::string(64, 'x') + ".invalid";
  const std::string long_name(300, 'x');
  for (const std::string& host :
       {std::string("127.0.0.1"), std::string("::1"), std::string("localhost"), long_label, long_name})
    resolver.resolve(host);
  CHECK(answers.empty());
  tests::run_until(loop, [&] { return answers.size() == 5; });
  CHECK(answers.at("127.0.0.1").value() == std::vector<std::string>{"127.0.0.1"});
  CHECK(answers.at("::1").value() == std::vector<std::string>{"::1"});
  const auto localhost = answers.at("localhost").value();
  CHECK(std::count(localhost.begin(), localhost.end(), "127.0.0.1") == 1);
  for (const auto& host : {long_label, long_name}) {
    REQUIRE_FALSE(answers.at(host));
    CHECK_FALSE(answers.at(host).error().detail.empty());
  }
  CHECK_FALSE(resolver.busy());
}

TEST_CASE("a resolver may go while it looks up") {
  proxy::net::Loop loop;
  bool answered = false;
  std::optional<Resolver> resolver;
  resolver.emplace(loop, [&](const std::string&, const auth::ResolveOutcome&) { answered = true; });
  for (int i = 0; i < 8; ++i) resolver->resolve("localhost");
  CHECK(resolver->busy());
  resolver.reset();
  loop.run();
  CHECK_FALSE(answered);
}
