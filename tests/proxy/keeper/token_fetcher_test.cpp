#include "proxy/keeper/token_fetcher.h"

#include <optional>

#include "../fetch/hostile_endpoint.h"
#include "catch.h"
#include "on_loop.h"
#include "proxy/fetch/fetch.h"
#include "proxy/keeper/process_limits.h"

using namespace saslift;
using namespace saslift::proxy::keeper;
using auth::FetchFailure;
using tests::HostileEndpoint;
using tests::run_until;

namespace {

// This test program again, as a fetch process: Catch itself keeps off its standard output.
Program real_fetch() { return {"/proc/self/exe", {"[.fetch_process]", "-o", "/dev/null"}}; }

auth::FetchToken order(const std::string& identity, const std::string& url = "https://127.0.0.1:1/",
                       const std::string& ca_file = "") {
  return {{.identity = identity, .subject = {}}, {url, config::Secret("client_secret=s3"), ca_file, ""}};
}

struct Fetching {
  explicit Fetching(Program program, auth::Duration life = auth::Duration{10'000})
      : fetcher(loop, std::move(program), {life}, [this](const auth::TokenKey& key, auth::FetchOutcome outcome) {
          identities.push_back(key.identity);
          outcomes.push_back(std::move(outcome));
        }) {}
  auth::FetchOutcome& one(auth::FetchToken wanted) {
    const auto before = outcomes.size();
    fetcher.fetch(std::move(wanted));
    run_until(loop, [&] { return outcomes.size() > before; });
    return outcomes.back();
  }
  proxy::net::Loop loop;
  std::vector<std::string> identities;
  std::vector<auth::FetchOutcome> outcomes;
  TokenFetcher fetcher;
};

}  // namespace

TEST_CASE("the fetch process", "[.fetch_process]") { std::_Exit(proxy::fetch::run_fetch()); }

TEST_CASE("an exchange goes through a process of its own") {
  const HostileEndpoint endpoint([](const HostileEndpoint::Write& write) {
    write("HTTP/1.1 429 Slow Down\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\n{}");
  });
  Fetching fetching(real_fetch());
  const auto& outcome = fetching.one(order("office", endpoint.url(), endpoint.ca_file()));
  REQUIRE(outcome);
  CHECK(outcome->status == 429);
  CHECK(outcome->retry_after == auth::Duration{9'000});
  CHECK(outcome->body.reveal() == "{}");
  CHECK(fetching.identities == std::vector<std::string>{"office"});
  CHECK(endpoint.last_request().ends_with("client_secret=s3"));
}

TEST_CASE("FAULTS 37: an endpoint that drips is cut off at the deadline") {
  const HostileEndpoint endpoint([](const HostileEndpoint::Write& write) {
    bool there = write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (there) {
      there = write("x");
      ::poll(nullptr, 0, 20);
    }
  });
  Fetching fetching(real_fetch(), auth::Duration{700});
  const auto& outcome = fetching.one(order("office", endpoint.url(), endpoint.ca_file()));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().kind == FetchFailure::timeout);
}

TEST_CASE("FAULTS 37: headers without end cost the fetch process, not the keeper") {
  const HostileEndpoint endpoint([](const HostileEndpoint::Write& write) {
    bool there = write("HTTP/1.1 200 OK\r\nX-Endless: ");
    const std::string block(16 * 1024, 'h');
    while (there) there = write(block);
  });
  Fetching fetching(real_fetch(), auth::Duration{1'500});
  const auto& outcome = fetching.one(order("office", endpoint.url(), endpoint.ca_file()));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().kind != FetchFailure::tls);
}

TEST_CASE("a fetch process that dies, babbles or cannot be started is told as such") {
  struct Row {
    Program program;
    FetchFailure kind;
    const char* detail;
  };
  for (const Row& row :
       {Row{{"/bin/sh", {"-c", "exit 3"}}, FetchFailure::died, "status 3"},
        Row{{"/bin/sh", {"-c", "kill -9 $$"}}, FetchFailure::died, "signal 9"},
        Row{{"/bin/sh", {"-c", "echo nonsense"}}, FetchFailure::died, "wrong length"},
        Row{{"/bin/sh", {"-c", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"}},
            FetchFailure::too_long,
            "too much"},
        Row{{"/nonexistent/fetch", {}}, FetchFailure::died, "no such file"}}) {
    Fetching fetching(row.program);
    const auto& outcome = fetching.one(order("office"));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().kind == row.kind);
    CHECK(outcome.error().detail.find(row.detail) != std::string::npos);
  }
}

TEST_CASE("a request too long to be sent is told, not thrown") {
  Fetching fetching({"/bin/true", {}});
  const auto& outcome = fetching.one(order("office", "https://h/" + std::string(5'000, 'p')));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().kind == FetchFailure::died);
}

TEST_CASE("eight run at once, the rest wait, all are answered") {
  tests::TemporaryDirectory directory;
  // Each marks its life by a file and counts its fellows.
  const std::string script = "cd " + directory.path() + "; : > $$; ls | wc -l > count.$$; sleep 0.1; rm $$; " +
                             "n=$(cat count.$$); rm count.$$; [ $n -le 16 ] && exit 4; exit 5";
  Fetching fetching({"/bin/sh", {"-c", script}});
  for (int i = 0; i < 20; ++i) fetching.fetcher.fetch(order("identity" + std::to_string(i)));
  run_until(fetching.loop, [&] { return fetching.outcomes.size() == 20; });
  for (const auto& outcome : fetching.outcomes) CHECK(outcome.error().detail.find("status 4") != std::string::npos);
}

TEST_CASE("a fetcher may go while it fetches, and its processes go with it") {
  std::optional<Fetching> fetching(std::in_place, Program{"/bin/sleep", {"60"}});
  fetching->fetcher.fetch(order("office"));
  for (int i = 0; i < 3; ++i) uv_run(fetching->loop.raw(), UV_RUN_NOWAIT);
  fetching.reset();  // the loop's destructor would hang or fail with anything left
}
