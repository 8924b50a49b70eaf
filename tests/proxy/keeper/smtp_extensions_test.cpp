#include "proxy/keeper/smtp_extensions.h"

#include "catch.h"

using namespace saslift;
using proxy::keeper::common_smtp_extensions;
using Lines = std::vector<std::string>;

namespace {

void add(config::Settings& settings, const std::string& name, Lines lines, std::vector<config::Protocol> protocols) {
  config::Identity identity;
  identity.name = name;
  identity.provider.smtp_extensions.lines = std::move(lines);
  settings.identities.emplace(name, std::move(identity));
  config::Account account;
  account.name = name;
  account.identity = name;
  account.protocols = std::move(protocols);
  settings.accounts.emplace(name, std::move(account));
}

}  // namespace

TEST_CASE("EHLO promises what all reachable providers have in common, with the smallest SIZE") {
  using config::Protocol;
  config::Settings settings;
  CHECK(common_smtp_extensions(settings).empty());
  add(settings, "a", {"SIZE 157286400", "PIPELINING", "DSN", "8BITMIME", "CHUNKING", "BINARYMIME"}, {Protocol::smtp});
  CHECK(common_smtp_extensions(settings) == Lines{"SIZE 157286400", "PIPELINING", "DSN", "8BITMIME"});
  add(settings, "b", {"PIPELINING", "size 35882577", "8BITMIME", "SMTPUTF8", "CHUNKING"},
      {Protocol::imap, Protocol::smtp});
  CHECK(common_smtp_extensions(settings) == Lines{"size 35882577", "PIPELINING", "8BITMIME"});
  add(settings, "c", {}, {Protocol::imap});
  CHECK(common_smtp_extensions(settings) == Lines{"size 35882577", "PIPELINING", "8BITMIME"});
  add(settings, "d", {"SIZE", "8BITMIME"}, {Protocol::smtp});
  CHECK(common_smtp_extensions(settings) == Lines{"size 35882577", "8BITMIME"});
}
