#include "auth/guesses.h"

#include <sodium.h>

#include <algorithm>

#include "config/network.h"

namespace saslift::auth {
namespace {

constexpr Duration first_delay{2'000};
constexpr Duration longest_delay{15'000};
constexpr Duration memory_of_guesses{15 * 60'000};
constexpr Duration memory_of_good_logins{60 * 60'000};
constexpr Duration line_about_repetitions_every{10 * 60'000};
// A device with one wrong password makes nobody else wait.
constexpr unsigned free_for_many = 4;
constexpr std::size_t logins_of_a_shared_address = 3;
constexpr std::size_t remembered_passwords = 4;
// What is longer is no login; its first bytes are as good a key.
constexpr std::size_t longest_key = 320;

Duration delay_after(unsigned failures) {
  if (failures == 0) return Duration{0};
  const unsigned doublings = std::min(failures - 1, 3U);
  return std::min(first_delay * (1U << doublings), longest_delay);
}

unsigned beyond(unsigned failures, unsigned free) { return failures > free ? failures - free : 0; }

std::string key_of_pair(const Guesses::Attempt& attempt) {
  return address_group(attempt.client_address) + ' ' + std::string(attempt.login.substr(0, longest_key));
}

std::string key_of_account(const Guesses::Attempt& attempt) {
  return attempt.account.empty() ? "login " + std::string(attempt.login.substr(0, longest_key))
                                 : "account " + std::string(attempt.account);
}

bool is_loopback(std::string_view client_address) {
  const auto address = config::IpAddress::parse(client_address);
  return address && address->is_loopback();
}

}  // namespace

std::string address_group(std::string_view client_address) {
  const auto address = config::IpAddress::parse(client_address);
  if (!address) return std::string(client_address);
  if (address->family() == config::IpAddress::Family::v4 || address->is_loopback()) return address->text();
  return config::Network::parse(address->text() + "/64")->text();
}

unsigned Guesses::Count::at(Instant now) const { return now - last < memory_of_guesses ? failures : 0; }

void Guesses::Count::add(Instant now) {
  failures = at(now) + 1;
  last = now;
}

Guesses::Guesses(std::size_t capacity) : pairs_(capacity), hosts_(capacity), accounts_(capacity), good_(capacity) {}

bool Guesses::is_repetition(const Pair& pair, const PasswordMemo::Digest& password) {
  return std::ranges::any_of(pair.passwords, [&](const PasswordMemo::Digest& before) {
    return sodium_memcmp(before.data(), password.data(), password.size()) == 0;
  });
}

bool Guesses::counts_alone(const Attempt& attempt, const Host& host, Instant now) {
  if (is_loopback(attempt.client_address)) return false;
  const bool shared =
      host.good_logins.size() >= logins_of_a_shared_address && now - host.last_good < memory_of_good_logins;
  return !shared;
}

Guesses::Wrong Guesses::wrong(const Attempt& attempt, const PasswordMemo::Digest& password, Instant now) {
  Pair& pair = pairs_.touch(key_of_pair(attempt));
  if (pair.count.at(now) == 0) pair = {};
  Wrong verdict;
  if (is_repetition(pair, password)) {
    pair.count.last = now;
    ++pair.untold;
    verdict.worth_line = now - pair.told_at >= line_about_repetitions_every;
    verdict.repeated = pair.untold;
  } else {
    if (pair.passwords.size() == remembered_passwords) pair.passwords.erase(pair.passwords.begin());
    pair.passwords.push_back(password);
    pair.count.add(now);
    hosts_.touch(address_group(attempt.client_address)).count.add(now);
    accounts_.touch(key_of_account(attempt)).add(now);
  }
  if (verdict.worth_line) {
    pair.told_at = now;
    pair.untold = 0;
  }
  verdict.delay = delay_after(failures(attempt, now));
  return verdict;
}

unsigned Guesses::failures(const Attempt& attempt, Instant now) const {
  const Pair* pair = pairs_.find(key_of_pair(attempt));
  const Host* host = hosts_.find(address_group(attempt.client_address));
  const Count* account = accounts_.find(key_of_account(attempt));
  const unsigned by_pair = pair != nullptr ? pair->count.at(now) : 0;
  const unsigned by_host = host != nullptr && counts_alone(attempt, *host, now) ? host->count.at(now) : 0;
  const unsigned by_account = account != nullptr ? account->at(now) : 0;
  return std::max({by_pair, beyond(by_host, free_for_many), beyond(by_account, free_for_many)});
}

Duration Guesses::delay_of_right(const Attempt& attempt, Instant now) const {
  if (good_.find(key_of_pair(attempt)) != nullptr) return Duration{0};
  const unsigned before = failures(attempt, now);
  return before == 0 ? Duration{0} : delay_after(before + 1);
}

void Guesses::right(const Attempt& attempt, Instant now) {
  const std::string pair = key_of_pair(attempt);
  good_.touch(pair) = now;
  pairs_.forget(pair);
  Host& host = hosts_.touch(address_group(attempt.client_address));
  if (now - host.last_good >= memory_of_good_logins) host.good_logins.clear();
  host.last_good = now;
  const bool known = std::ranges::find(host.good_logins, attempt.login) != host.good_logins.end();
  if (!known && host.good_logins.size() < logins_of_a_shared_address) host.good_logins.emplace_back(attempt.login);
}

std::size_t Guesses::size() const { return std::max({pairs_.size(), hosts_.size(), accounts_.size(), good_.size()}); }

}  // namespace saslift::auth
