#include "auth/host_names.h"

#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::start;

namespace {

using Names = std::vector<std::string>;

Names known(const HostAnswer& answer) {
  const auto* host = std::get_if<HostKnown>(&answer);
  return host != nullptr ? host->addresses : Names{};
}

bool pending(const HostAnswer& answer) { return std::holds_alternative<HostPending>(answer); }

}  // namespace

TEST_CASE("a name is looked up once for all who wait, and kept for 60 s") {
  HostNames names;
  for (int i = 0; i < 50; ++i) CHECK(pending(names.ask("mail.example", start())));
  CHECK(names.take_lookups() == Names{"mail.example"});
  CHECK(names.take_lookups().empty());
  names.found("mail.example", {"192.0.2.1", "192.0.2.2"}, start() + 1s);
  CHECK(known(names.ask("mail.example", start() + 1s)) == Names{"192.0.2.1", "192.0.2.2"});
  CHECK(known(names.ask("mail.example", start() + 60s)).size() == 2);
  CHECK(names.take_lookups().empty());
  CHECK(pending(names.ask("mail.example", start() + 61s)));
  CHECK(names.take_lookups() == Names{"mail.example"});
}

TEST_CASE("an address needs no look-up") {
  HostNames names;
  CHECK(known(names.ask("127.0.0.1", start())) == Names{"127.0.0.1"});
  CHECK(known(names.ask("::1", start())) == Names{"::1"});
  CHECK(names.take_lookups().empty());
}

TEST_CASE("the old answer serves while look-ups fail or drag on") {
  HostNames names;
  (void)names.ask("mail.example", start());
  names.found("mail.example", {"192.0.2.1"}, start());
  const Instant stale = start() + 5min;
  const HostAnswer answer = names.ask("mail.example", stale);
  REQUIRE(pending(answer));
  CHECK(std::get<HostPending>(answer).until == stale + 2s);
  CHECK(pending(names.ask("mail.example", stale + 1999ms)));
  CHECK(known(names.ask("mail.example", stale + 2s)) == Names{"192.0.2.1"});

  names.failed("mail.example", HostUnknown{"SERVFAIL"}, stale + 5s);
  CHECK(known(names.ask("mail.example", stale + 5s)) == Names{"192.0.2.1"});
  CHECK(names.take_lookups().size() == 2);  // the first one and this one
  CHECK(known(names.ask("mail.example", stale + 6s)) == Names{"192.0.2.1"});
  CHECK(names.take_lookups().empty());
  CHECK(pending(names.ask("mail.example", stale + 7s)));
  CHECK(names.take_lookups().size() == 1);
}

TEST_CASE("a name never found is an error, asked again after 2 s") {
  HostNames names;
  const HostAnswer answer = names.ask("mail.example", start());
  REQUIRE(pending(answer));
  CHECK_FALSE(std::get<HostPending>(answer).until.has_value());
  names.failed("mail.example", HostUnknown{"NXDOMAIN"}, start() + 1s);
  const HostAnswer unknown = names.ask("mail.example", start() + 1s);
  REQUIRE(std::holds_alternative<HostUnknown>(unknown));
  CHECK(std::get<HostUnknown>(unknown).detail == "NXDOMAIN");
  CHECK(names.take_lookups().size() == 1);
  CHECK(pending(names.ask("mail.example", start() + 3s)));
  CHECK(names.take_lookups().size() == 1);
}
