#include "proxy/smtp/rewriting/stamps.h"

#include <set>

#include "catch.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

using namespace std::chrono;

TEST_CASE("a date as RFC 5322 writes it") {
  CHECK(date_of(sys_days{2026y / November / 24} + 15h) == "Tue, 24 Nov 2026 15:00:00 +0000");
  CHECK(date_of(sys_days{2024y / February / 29} + 23h + 59min + 59s + 999ms) == "Thu, 29 Feb 2024 23:59:59 +0000");
  CHECK(date_of(sys_days{2027y / January / 3}) == "Sun, 3 Jan 2027 00:00:00 +0000");
}

TEST_CASE("a Message-ID is new each time and of the mailbox's domain") {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(new_message_id("scans@contoso.com"));
  CHECK(ids.size() == 1000);
  CHECK(ids.begin()->starts_with("<"));
  CHECK(ids.begin()->ends_with("@contoso.com>"));
  CHECK(new_message_id("scans").ends_with("@localhost>"));
}

}  // namespace
}  // namespace saslift::proxy::smtp::rewriting
