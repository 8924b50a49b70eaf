// FAULTS 57: connections of one mailbox, in turn.
#include "auth/slots.h"

#include "catch.h"

namespace saslift::auth {
namespace {

LoginKey who(SessionId session, std::uint32_t worker = 1) { return {.worker = worker, .session = session}; }
SlotPool mail(const std::string& mailbox = "scans@contoso.com") {
  return {.provider = "exchange-online", .mailbox = mailbox, .kind = SlotKind::submission};
}

TEST_CASE("the fourth waits, and gets the first slot that comes back") {
  Slots slots({.submission = 3, .reading = 16});
  for (SessionId session = 1; session <= 3; ++session) CHECK(slots.ask(who(session), mail()) == Slots::Place::taken);
  CHECK(slots.ask(who(4, 2), mail()) == Slots::Place::waiting);
  CHECK(slots.ask(who(5), mail()) == Slots::Place::waiting);
  CHECK(slots.in_use() == 3);
  CHECK(slots.waiting() == 2);
  CHECK(slots.leave(who(2)) == who(4, 2));
  CHECK(slots.ask(who(4, 2), mail()) == Slots::Place::taken);
  CHECK(slots.in_use() == 3);
  CHECK(slots.leave(who(1)) == who(5));
  CHECK_FALSE(slots.leave(who(3)));
  CHECK_FALSE(slots.leave(who(3)));
  CHECK(slots.in_use() == 2);
  CHECK(slots.waiting() == 0);
}

TEST_CASE("one that gives up its place lets the next move up, and nobody overtakes") {
  Slots slots({.submission = 1, .reading = 1});
  CHECK(slots.ask(who(1), mail()) == Slots::Place::taken);
  CHECK(slots.ask(who(2), mail()) == Slots::Place::waiting);
  CHECK(slots.ask(who(3), mail()) == Slots::Place::waiting);
  CHECK_FALSE(slots.leave(who(2)));
  CHECK(slots.waiting() == 1);
  CHECK(slots.leave(who(1)) == who(3));
  CHECK(slots.ask(who(4), mail()) == Slots::Place::waiting);
}

TEST_CASE("mailboxes, providers, and sending and reading are counted apart") {
  Slots slots({.submission = 1, .reading = 2});
  CHECK(slots.ask(who(1), mail()) == Slots::Place::taken);
  CHECK(slots.ask(who(2), mail("other@contoso.com")) == Slots::Place::taken);
  SlotPool elsewhere = mail();
  elsewhere.provider = "gmail";
  CHECK(slots.ask(who(3), elsewhere) == Slots::Place::taken);
  SlotPool reading = mail();
  reading.kind = SlotKind::reading;
  CHECK(slots.ask(who(4), reading) == Slots::Place::taken);
  CHECK(slots.ask(who(5), reading) == Slots::Place::taken);
  CHECK(slots.ask(who(6), reading) == Slots::Place::waiting);
  for (SessionId session = 1; session <= 6; ++session) (void)slots.leave(who(session));
  CHECK(slots.in_use() == 0);
  CHECK(slots.waiting() == 0);
}

}  // namespace
}  // namespace saslift::auth
