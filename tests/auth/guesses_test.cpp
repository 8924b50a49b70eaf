// How long a guesser waits, and who does not.
#include "auth/guesses.h"

#include "catch.h"

namespace saslift::auth {
namespace {

using namespace std::chrono_literals;

PasswordMemo::Digest digest(int number) {
  PasswordMemo::Digest made{};
  made[0] = static_cast<unsigned char>(number);
  made[1] = static_cast<unsigned char>(number >> 8);
  return made;
}

struct Bench {
  Guesses guesses;
  Instant now{1000h};
  int passwords = 0;

  // A password never sent before.
  Duration guess(const std::string& address, const std::string& login, const std::string& account = {}) {
    return guesses.wrong({address, login, account}, digest(++passwords), now).delay;
  }
  Duration delay_of_right(const std::string& address, const std::string& login, const std::string& account = {}) {
    return guesses.delay_of_right({address, login, account}, now);
  }
  void right(const std::string& address, const std::string& login, const std::string& account = {}) {
    guesses.right({address, login, account}, now);
  }
};

TEST_CASE("FAULTS 28: each wrong password of an address and login makes the next wait longer, 2 s to 15 s") {
  Bench bench;
  CHECK(bench.delay_of_right("192.0.2.1", "scanner") == 0s);
  std::vector<Duration> delays;
  for (int i = 0; i < 6; ++i) delays.push_back(bench.guess("192.0.2.1", "scanner"));
  CHECK(delays == std::vector<Duration>{2s, 4s, 8s, 15s, 15s, 15s});
  // A yes takes as long as the next no would.
  CHECK(bench.delay_of_right("192.0.2.1", "scanner") == 15s);
  bench.now += 15min;
  CHECK(bench.delay_of_right("192.0.2.1", "scanner") == 0s);
  CHECK(bench.guess("192.0.2.1", "scanner") == 2s);
}

TEST_CASE("FAULTS 28: a yes waits as long as a no") {
  Bench bench;
  for (const Duration delay : {2s, 4s, 8s, 15s, 15s}) {
    const Duration yes = bench.delay_of_right("192.0.2.1", "scanner");
    const bool is_first = delay == 2s;
    CHECK(yes == (is_first ? Duration{0} : delay));
    CHECK(bench.guess("192.0.2.1", "scanner") == delay);
  }
}

TEST_CASE("FAULTS 30: a device that repeats one wrong password is not escalated, and told of once in a while") {
  Bench bench;
  const auto repeat = [&] { return bench.guesses.wrong({"192.0.2.1", "scanner", "a"}, digest(7), bench.now); };
  const auto first = repeat();
  CHECK(first.delay == 2s);
  CHECK(first.worth_line);
  CHECK(first.repeated == 0);
  int lines = 0;
  for (int i = 0; i < 120; ++i) {
    bench.now += 30s;
    const auto again = repeat();
    CHECK(again.delay == 2s);
    if (!again.worth_line) continue;
    ++lines;
    CHECK(again.repeated == 20);
  }
  CHECK(lines == 6);  // in an hour
  // Nor does it hold up its neighbours, or others on its account.
  CHECK(bench.delay_of_right("192.0.2.1", "other") == 0s);
  CHECK(bench.delay_of_right("192.0.2.9", "scanner", "a") == 0s);
}

TEST_CASE("two devices of one login with their own stale passwords are not escalated either") {
  Bench bench;
  (void)bench.guesses.wrong({"192.0.2.1", "scanner", ""}, digest(1), bench.now);
  (void)bench.guesses.wrong({"192.0.2.1", "scanner", ""}, digest(2), bench.now);
  for (int i = 0; i < 20; ++i) {
    CHECK(bench.guesses.wrong({"192.0.2.1", "scanner", ""}, digest(i % 2 + 1), bench.now).delay == 4s);
  }
}

TEST_CASE("FAULTS 31: a pair of address and login that was right never waits, whatever is guessed elsewhere") {
  Bench bench;
  bench.right("192.0.2.1", "scanner", "a");
  for (int i = 0; i < 100; ++i) bench.guess("198.51.100." + std::to_string(i), "scanner", "a");
  for (int i = 0; i < 100; ++i) bench.guess("192.0.2.1", "other" + std::to_string(i));
  for (int i = 0; i < 100; ++i) bench.guess("192.0.2.1", "scanner", "a");
  CHECK(bench.delay_of_right("192.0.2.1", "scanner", "a") == 0s);
  CHECK(bench.delay_of_right("192.0.2.2", "scanner", "a") == 15s);
}

TEST_CASE("FAULTS 28: an address that tries many logins waits from the fifth on, with every login") {
  Bench bench;
  for (int i = 0; i < 4; ++i) CHECK(bench.guess("192.0.2.1", "user" + std::to_string(i)) == 2s);
  CHECK(bench.delay_of_right("192.0.2.1", "new") == 0s);
  CHECK(bench.guess("192.0.2.1", "user5") == 2s);
  CHECK(bench.guess("192.0.2.1", "user6") == 4s);
  CHECK(bench.guess("192.0.2.1", "user7") == 8s);
  CHECK(bench.delay_of_right("192.0.2.1", "new") == 15s);
  CHECK(bench.delay_of_right("192.0.2.2", "new") == 0s);
}

TEST_CASE("addresses that are not one client's count only together with a login") {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.guess("127.0.0.1", "user" + std::to_string(i));
  for (int i = 0; i < 20; ++i) bench.guess("::1", "user" + std::to_string(i));
  CHECK(bench.delay_of_right("127.0.0.1", "new") == 0s);
  CHECK(bench.delay_of_right("::1", "new") == 0s);

  // Three different logins were right from there: a NAT, or a load balancer that is not in proxy_from.
  for (const char* login : {"one", "two", "three"}) bench.right("192.0.2.1", login);
  for (int i = 0; i < 20; ++i) bench.guess("192.0.2.1", "user" + std::to_string(i));
  CHECK(bench.delay_of_right("192.0.2.1", "new") == 0s);
  // One that logs in three times with the same name is one client.
  for (int i = 0; i < 3; ++i) bench.right("192.0.2.2", "one");
  for (int i = 0; i < 20; ++i) bench.guess("192.0.2.2", "user" + std::to_string(i));
  CHECK(bench.delay_of_right("192.0.2.2", "new") == 15s);
  // And what is shared today may be one client's tomorrow.
  bench.now += 60min;
  for (int i = 0; i < 20; ++i) bench.guess("192.0.2.1", "user" + std::to_string(i));
  CHECK(bench.delay_of_right("192.0.2.1", "new") == 15s);
}

TEST_CASE("FAULTS 29: an IPv6 customer's /64 is one address, and one account is guarded from wherever it is tried") {
  Bench bench;
  CHECK(bench.guess("2001:db8:1:2::1", "scanner", "a") == 2s);
  CHECK(bench.guess("2001:db8:1:2:ffff::9", "scanner", "a") == 4s);
  CHECK(bench.guess("2001:db8:1:3::1", "scanner", "a") == 2s);

  // From the fifth on, by account.
  for (int i = 0; i < 4; ++i) bench.guess("198.51.100." + std::to_string(i), "Scanner", "b");
  CHECK(bench.guess("203.0.113.1", "scanner", "b") == 2s);
  CHECK(bench.guess("203.0.113.2", "alias", "b") == 4s);
  CHECK(bench.guess("203.0.113.3", "scanner", "b") == 8s);
  // A login that nobody has is no different.
  for (int i = 0; i < 4; ++i) bench.guess("198.51.100." + std::to_string(i), "nobody");
  CHECK(bench.guess("203.0.113.11", "nobody") == 2s);
  CHECK(bench.guess("203.0.113.12", "nobody") == 4s);
}

TEST_CASE("FAULTS 29: the tables are capped, and long logins take no more room than short ones") {
  Guesses guesses(100);
  const Instant now{1000h};
  for (int i = 0; i < 10'000; ++i) {
    const std::string login = "user" + std::to_string(i) + std::string(1000, 'x');
    (void)guesses.wrong({"2001:db8:" + std::to_string(i % 9999) + "::1", login, {}}, digest(i), now);
    guesses.right({"192.0.2.1", login, {}}, now);
  }
  CHECK(guesses.size() == 100);
}

TEST_CASE("what counts as one address") {
  CHECK(address_group("192.0.2.7") == "192.0.2.7");
  CHECK(address_group("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(address_group("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(address_group("::1") == "::1");
  CHECK(address_group("").empty());
}

}  // namespace
}  // namespace saslift::auth
