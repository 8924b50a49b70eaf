#include <fmt/format.h>

#include <algorithm>

#include "config/sections.h"

namespace saslift::config {
namespace {

const Table* account_tables(const Table& root) {
  const Entry* entry = find(root, "account");
  return entry != nullptr ? std::get_if<Table>(&entry->value.what) : nullptr;
}

const Entry* trusted_of(const Entry& account) {
  const auto* table = std::get_if<Table>(&account.value.what);
  return table != nullptr ? find(*table, "trusted") : nullptr;
}

bool lets_in(const Listener& listener, const IpAddress& address) {
  if (listener.protocol != Protocol::smtp) return false;
  if (listener.allow.empty()) return address.is_loopback();
  return std::ranges::any_of(listener.allow, [&](const Network& allow) { return allow.contains(address); });
}

}  // namespace

bool trusts_any_address(const Table& root) {
  const Table* accounts = account_tables(root);
  return accounts != nullptr &&
         std::ranges::any_of(accounts->entries, [](const Entry& account) { return trusted_of(account) != nullptr; });
}

void check_trusted(const Reading& reading, const std::map<std::string, Account>& accounts,
                   const std::vector<Listener>& listeners) {
  const Table* tables = account_tables(reading.root);
  if (tables == nullptr) return;
  for (const Entry& table : tables->entries) {
    const Entry* written = trusted_of(table);
    const auto account = accounts.find(table.key);
    if (written == nullptr || account == accounts.end()) continue;
    for (const IpAddress& address : account->second.trusted) {
      if (std::ranges::any_of(listeners, [&](const Listener& listener) { return lets_in(listener, address); }))
        continue;
      reading.problems.error(written->value.at,
                             fmt::format("no smtp listener lets {} in; add it to the 'allow' of one", address.text()));
    }
  }
}

}  // namespace saslift::config
