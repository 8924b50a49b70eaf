#include "proxy/commands/proof.h"

#include "catch.h"

using namespace saslift;
using namespace saslift::proxy::commands;

TEST_CASE("a proof names the user that a login would name") {
  config::Identity identity;
  config::Account account;
  account.mailbox = "team@contoso.com";
  Subject subject{.account = account, .identity = identity, .mailbox = account.mailbox};
  const auto imap = [&] { return upstream_user(subject, config::Protocol::imap); };
  const auto smtp = [&] { return upstream_user(subject, config::Protocol::smtp); };

  SECTION("an app's token: the mailbox") {
    identity.grant = config::Grant::client_credentials;
    CHECK(imap() == "team@contoso.com");
    CHECK(smtp() == "team@contoso.com");
  }
  SECTION("a person's token: by SMTP the person") {
    identity.grant = config::Grant::browser;
    identity.owner = "jane@contoso.com";
    CHECK(imap() == "team@contoso.com");
    CHECK(smtp() == "jane@contoso.com");
  }
  SECTION("what the account says counts for its own mailbox alone") {
    account.users[config::Protocol::imap] = "team@contoso.onmicrosoft.com";
    CHECK(imap() == "team@contoso.onmicrosoft.com");
    account.upn = "team.mailbox@contoso.onmicrosoft.com";
    CHECK(other_upstream_user(subject, config::Protocol::imap).empty());
    CHECK(other_upstream_user(subject, config::Protocol::smtp) == account.upn);
    subject.mailbox = "other@contoso.com";
    CHECK(imap() == "other@contoso.com");
    CHECK(other_upstream_user(subject, config::Protocol::smtp).empty());
  }
}
