#include "auth/gate.h"

#include "catch.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;
using namespace std::chrono_literals;
using saslift::tests::start;

TEST_CASE("FAULTS 40: a refusal counts for 60 s, for one identity, mailbox and protocol") {
  Gate gate;
  const MailboxDoor door{.identity = "office", .mailbox = "a@x", .protocol = config::Protocol::imap};
  gate.remember_refusal(door, "NO AUTHENTICATE failed.", start());
  CHECK(gate.refusal_of(door, start() + 59s) == "NO AUTHENTICATE failed.");
  CHECK_FALSE(gate.refusal_of(door, start() + 60s).has_value());
  CHECK_FALSE(gate.refusal_of({"plant", "a@x", config::Protocol::imap}, start()).has_value());
  CHECK_FALSE(gate.refusal_of({"office", "b@x", config::Protocol::imap}, start()).has_value());
  CHECK_FALSE(gate.refusal_of({"office", "a@x", config::Protocol::smtp}, start()).has_value());
  gate.forget_refusal(door);
  CHECK_FALSE(gate.refusal_of(door, start()).has_value());
}

TEST_CASE("remembered refusals are bounded, the expired going first") {
  Gate gate;
  const auto door = [](int number) {
    return MailboxDoor{.identity = "office", .mailbox = std::to_string(number), .protocol = config::Protocol::smtp};
  };
  for (int i = 0; i < 12'000; ++i) gate.remember_refusal(door(i), "no", start());
  CHECK(gate.size() == 10'000);
  gate.remember_refusal(door(20'000), "no", start() + 61s);
  CHECK(gate.size() == 1);
}
