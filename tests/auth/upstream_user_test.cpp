#include "auth/upstream_user.h"

#include "catch.h"
#include "desk_bench.h"
#include "settings_for_tests.h"

using namespace saslift;
using namespace saslift::auth;
using config::Grant;
using config::Protocol;

namespace {

constexpr std::array protocols{Protocol::imap, Protocol::pop3, Protocol::smtp};

config::Identity identity_of(Grant grant) {
  config::Identity identity = tests::make_identity("office");
  identity.grant = grant;
  if (grant != Grant::command) identity.owner = "owner@contoso.com";
  return identity;
}

}  // namespace

TEST_CASE("EXCHANGE 2.5: an app's token names the mailbox, a person's names by SMTP the person") {
  const config::Account account = tests::make_account("reception", "scanner");
  const AccountMatch match{.account = &account, .mailbox = account.mailbox};
  for (const Grant grant :
       {Grant::client_credentials, Grant::federated, Grant::managed_identity, Grant::service_account, Grant::command}) {
    CAPTURE(config::name_of(grant));
    for (const Protocol protocol : protocols) CHECK(fixed_upstream_user(match, identity_of(grant), protocol).empty());
  }
  for (const Grant grant : {Grant::device_code, Grant::browser, Grant::refresh_token, Grant::password}) {
    CAPTURE(config::name_of(grant));
    const config::Identity identity = identity_of(grant);
    CHECK(fixed_upstream_user(match, identity, Protocol::imap).empty());
    CHECK(fixed_upstream_user(match, identity, Protocol::pop3).empty());
    CHECK(fixed_upstream_user(match, identity, Protocol::smtp) == "owner@contoso.com");
  }
  config::Identity command = identity_of(Grant::command);
  command.owner = "owner@contoso.com";
  CHECK(fixed_upstream_user(match, command, Protocol::smtp) == "owner@contoso.com");
}

TEST_CASE("an account names another user for each protocol, but not for a mailbox shared with it") {
  config::Account account = tests::make_account("reception", "scanner");
  account.users = {
      {Protocol::imap, "i@contoso.com"}, {Protocol::pop3, "p@contoso.com"}, {Protocol::smtp, "s@contoso.com"}};
  AccountMatch match{.account = &account, .mailbox = account.mailbox};
  for (const Grant grant : {Grant::client_credentials, Grant::browser}) {
    const config::Identity identity = identity_of(grant);
    CHECK(fixed_upstream_user(match, identity, Protocol::imap) == "i@contoso.com");
    CHECK(fixed_upstream_user(match, identity, Protocol::pop3) == "p@contoso.com");
    CHECK(fixed_upstream_user(match, identity, Protocol::smtp) == "s@contoso.com");
  }
  match.kind = MailboxKind::shared;
  CHECK(fixed_upstream_user(match, identity_of(Grant::browser), Protocol::imap).empty());
  CHECK(fixed_upstream_user(match, identity_of(Grant::browser), Protocol::smtp) == "owner@contoso.com");
}
