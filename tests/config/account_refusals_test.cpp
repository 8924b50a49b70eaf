// What is wrong with [account.NAME] and [[listener]].

#include "tests/config/refusals.h"

namespace saslift::config {
namespace {

using namespace test;

TEST_CASE("passwords are hashes; the password itself is refused and not shown") {
  const auto password = [](const std::string& written, const std::string& login) {
    return with_account("[account.reception]\nidentity = \"office\"\nmailbox = \"a@b.c\"\nlogin = " + login +
                        "\npassword = \"" + written + "\"\n");
  };
  check({
      {password("c4nary", "\"scanner\""),
       {"5:12: 'password' takes a hash, never the password itself; make one with: saslift password scanner"}},
      {password("file:x", "\"*@b.c\""),
       {"1:10: [account.reception] has a wildcard and must say for what: protocols = [\"smtp\"]",
        "3:11: a wildcard opens the mailbox that is the login; take 'mailbox' out",
        "5:12: 'password' takes a hash, never the password itself; make one with: saslift password reception"}},
      {with_account("[account.reception]\nidentity = \"office\"\nmailbox = \"a@b.c\"\n"),
       {"1:10: [account.reception] has no 'password'; make one with: saslift password reception"}},
  });
}

TEST_CASE("accounts say what they lack") {
  const std::string password = "password = \"" + std::string(good_hash) + "\"\n";
  check({
      {with_account("[account.reception]\nidentity = \"office\"\n" + password),
       {"1:10: [account.reception] has no 'mailbox', and no login of it is an address; add mailbox = "
        "\"scans@contoso.com\""}},
      {with_account("[account.reception]\nmailbox = \"scans@contoso.com\"\n" + password),
       {"1:10: [account.reception] has no 'identity'; it names the [identity.NAME] whose tokens open the mailbox"}},
      {with_account("[account.reception]\nidentity = \"offise\"\nmailbox = \"scans\"\n" + password),
       {"2:12: there is no identity 'offise'; did you mean 'office'?"}},
      {with_account("[account.reception]\nidentity = \"lab\"\nmailbox = \"scans@contoso.com\"\n" + password),
       {"2:12: there is no identity 'lab'; it needs a table [identity.NAME]"}},
      {with_account(account_with("mailbox = \"scans\"")),
       {"5:11: 'scans' is no mailbox; write its address, such as scans@contoso.com"}},
      {with_account(account_with("mailbox = \"a\\u0001user=b@c.d\"")),
       {"5:11: 'mailbox' has a control character or a line break; take it out"}},
      {with_account(account_with("", "a\\nb@c.d")),
       {"4:9: 'login' has a control character or a line break; take it out"}},
      {with_account(account_with("", std::string(321, 'a'))), {"4:9: 'login' is longer than 320 bytes"}},
      {with_account(account_with("allow = [\"192.168.10.0/33\", \"printer\"]")),
       {"5:10: '192.168.10.0/33' is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private",
        "5:29: 'printer' is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private"}},
      {with_account(account_with("protocols = [\"imap\", \"pop\", \"imap\"]")),
       {"5:22: 'pop' is no protocol; it is one of: imap, pop3, smtp; did you mean 'pop3'?",
        "5:29: 'protocols' lists imap twice; take one out"}},
      {with_account(account_with("shared_password = true")),
       {"5:19: 'shared_password' belongs to a wildcard login; take it out"}},
      {account_with("protocols = [\"pop3\"]") +
           "[identity.office]\nprovider = \"lab\"\nclient_id = \"id\"\nclient_secret = \"file:office.secret\"\n"
           "[provider.lab]\ntoken_endpoint = \"https://a/b\"\nsmtp = { host = \"a\", port = 1, tls = \"implicit\" }\n",
       {"5:14: the provider 'lab' has no pop3 server; take pop3 out or give it one"}},
      // Its identity is declared, only broken: one problem.
      {account_with("") + "[identity.office]\nprovider = \"gmial\"\nclient_id = \"id\"\nclient_secret = "
                          "\"file:office.secret\"\n",
       {"7:12: there is no provider 'gmial'; did you mean 'gmail'?"}},
  });
}

TEST_CASE("a mailbox's other name and shared mailboxes are addresses, and only where they mean something") {
  check({
      {with_account(account_with("mailbox = \"team@contoso.com\"\nupn = \"team\"")),
       {"6:7: 'team' is no mailbox; write its address, such as scans@contoso.com"}},
      {with_account(account_with("mailbox = \"team@contoso.com\"\nupn = \"Team@contoso.com\"")),
       {"6:7: 'upn' is the mailbox itself; it is only of use where the two differ; take it out"}},
      {with_account(account_with("protocols = [\"smtp\"]\nupn = \"a@b.c\"", "*@contoso.com")),
       {"6:7: a wildcard opens the mailbox that is the login; take 'upn' out"}},
      {with_account(account_with("mailbox = \"a@b.c\"\nshared = [\"post\", \"info@b.c\", \"INFO@b.c\"]")),
       {"6:11: 'post' is no mailbox; write its address, such as scans@contoso.com",
        "6:31: 'shared' lists 'INFO@b.c' twice; take one out"}},
  });
}

TEST_CASE("rewrite_from is one of three words, for an account that sends") {
  check({
      {with_account(account_with("mailbox = \"a@b.c\"\nrewrite_from = \"yes\"")),
       {"6:16: 'rewrite_from' cannot be 'yes'; it is one of: no, envelope, both"}},
      {with_account(account_with("mailbox = \"a@b.c\"\nprotocols = [\"imap\"]\nrewrite_from = \"both\"")),
       {"7:16: 'rewrite_from' is about mail sent by SMTP, which this account may not use; take it out"}},
  });
}

TEST_CASE("FAULTS 48: a wildcard is one whole domain, says for what, and shares no mail unasked") {
  const auto stranger = [](const std::string& login) {
    return "4:9: '" + login + "' would let in whom you do not know; a wildcard is one whole domain: \"*@contoso.com\"";
  };
  check({
      {with_account(account_with("", "*")), {stranger("*")}},
      {with_account(account_with("", "*@*")), {stranger("*@*")}},
      {with_account(account_with("", "*@")), {stranger("*@")}},
      {with_account(account_with("", "scan*@contoso.com")), {stranger("scan*@contoso.com")}},
      {with_account(account_with("", "*@contoso.com")),
       {"1:10: [account.reception] has a wildcard and must say for what: protocols = [\"smtp\"]"}},
      {with_account(account_with("protocols = [\"smtp\", \"imap\"]", "*@contoso.com")),
       {"5:13: with one password for a whole domain everybody could read everybody's mail; list smtp alone, or say "
        "shared_password = true"}},
      {with_account(account_with("protocols = [\"imap\"]\nshared_password = false", "*@contoso.com")),
       {"5:13: with one password for a whole domain everybody could read everybody's mail; list smtp alone, or say "
        "shared_password = true"}},
      {with_account("[account.reception]\nidentity = \"office\"\npassword = \"" + std::string(good_hash) +
                    "\"\nlogin = [\"*@contoso.com\", \"boss\"]\nprotocols = [\"smtp\"]\n"),
       {"4:9: a wildcard and a single login cannot share an account; give each its own"}},
  });
}

TEST_CASE("FAULTS 82: a login belongs to one account, whatever its case") {
  check({
      {with_account(account_with("", "scans@contoso.com") +
                    "[account.other]\nlogin = [\"Other\", \"OTHER\", "
                    "\"Scans@Contoso.com\"]\nidentity = \"office\"\npassword = "
                    "\"" +
                    std::string(good_hash) + "\"\n"),
       {"7:19: [account.other] lists login 'OTHER' twice (case does not matter); take one out",
        "7:28: login 'Scans@Contoso.com' of [account.other] already belongs to [account.reception] (line 4); case does "
        "not matter"}},
      {with_account(account_with("", "other@contoso.com") +
                    "[account.b]\nlogin = \"RECEPTION\"\nmailbox = "
                    "\"a@b.c\"\nidentity = \"office\"\npassword = \"" +
                    std::string(good_hash) +
                    "\"\n[account.c]\nlogin = \"reception\"\nmailbox = \"a@b.c\"\nidentity = "
                    "\"office\"\npassword = \"" +
                    std::string(good_hash) + "\"\n"),
       {"12:9: login 'reception' of [account.c] already belongs to [account.b] (line 7); case does not matter"}},
  });
}

TEST_CASE("listeners say what they lack") {
  const std::string local = "address = \"127.0.0.1:1587\"\n";
  check({
      {"[[listener]]\n",
       {"1:1: [[listener]] has no 'protocol'; it is imap, pop3 or smtp",
        "1:1: [[listener]] has no 'address'; it reads 127.0.0.1:1587 or [::1]:1587"}},
      {"[listener]\nprotocol = \"smtp\"\n", {"1:2: listeners stand in double brackets: [[listener]]"}},
      {"listener = []\n", {"1:1: 'listener' is empty; fill it in or leave it out for the default ones"}},
      {"listener = [1]\n", {"1:13: a listener is a table: [[listener]]"}},
      {"[[listener]]\nprotocol = \"pop\"\naddress = \"localhost:110\"\n",
       {"2:12: 'protocol' cannot be 'pop'; it is one of: imap, pop3, smtp; did you mean 'pop3'?",
        "3:11: 'localhost:110' is no address to listen on; it reads 127.0.0.1:1587 or [::1]:1587, in numbers and with "
        "its port"}},
      {with_listener(local) + "[[listener]]\nprotocol = \"imap\"\naddress = \"[::ffff:127.0.0.1]:1587\"\n",
       {"6:11: 127.0.0.1:1587 is already taken by the listener of line 3; give it another port"}},
      {with_listener(local + "tls = \"starttls\"\ncertificate_key = \"file:key.pem\""),
       {"5:19: 'certificate_key' needs its certificate: certificate = \"file:tls.pem\""}},
      {with_listener(local + "certificate = \"file:key.pem\""),
       {"4:15: 'certificate' does nothing while tls is off; set tls = \"starttls\", \"implicit\" or \"auto\""}},
      {with_listener(local + "tls = \"implicit\"\ncertificate = \"file:certificate.pem\""),
       {"5:15: 'certificate' holds no private key (-----BEGIN PRIVATE KEY-----); it goes into the same file, or "
        "into 'certificate_key'"}},
      {with_listener(local + "tls = \"implicit\"\ncertificate = \"file:key.pem\""),
       {"5:15: 'certificate' holds no PEM certificate (-----BEGIN CERTIFICATE-----)"}},
      {with_listener(local + "tls = \"implicit\"\ncertificate = \"file:locked.pem\""),
       {"5:15: the key in 'certificate' needs a passphrase; store it without: openssl pkey -in ... -out ..."}},
      {"[[listener]]\nprotocol = \"imap\"\naddress = \"127.0.0.1:0\"\nauth_equals = true\n",
       {"4:15: 'auth_equals' is about SMTP's EHLO; take it out"}},
      {with_listener(
           local + "tls = \"implicit\"\ncertificate = \"file:certificate.pem\"\ncertificate_key = \"file:locked.pem\""),
       {"6:19: the key in 'certificate_key' needs a passphrase; store it without: openssl pkey -in ... -out ..."}},
      {with_listener(local + "tls = \"implicit\"\ncertificate = \"file:certificate.pem\"\ncertificate_key = "
                             "\"file:certificate.pem\""),
       {"6:19: 'certificate_key' holds no private key (-----BEGIN PRIVATE KEY-----); 'certificate' is for the chain"}},
      {with_listener(local +
                     "tls = \"implicit\"\ncertificate = \"file:certificate.pem\"\ncertificate_key = \"file:none\""),
       {"6:19: 'certificate_key': 'DIR/none' cannot be read: No such file or directory"}},
      {with_listener(local + "tls_detect = \"1s\""), {"4:14: 'tls_detect' does nothing without tls = \"auto\""}},
      {with_listener(local + "legacy_tls = true"),
       {"4:14: 'legacy_tls' does nothing while tls is off; set tls = \"starttls\", \"implicit\" or \"auto\""}},
      {with_listener("address = \"203.0.113.5:587\"\nallow = [\"private\", \"203.0.113.0/24\"]\ntls = \"implicit\"\n"
                     "certificate = \"file:both.pem\"\nlegacy_tls = true"),
       {"7:14: legacy_tls is for devices in networks of your own, and 203.0.113.5 is not an address of one; listen on "
        "one that is, or narrow 'allow' to them: allow = [\"private\"]"}},
      {with_listener(local + "plaintext_login = \"never\""),
       {"4:19: with plaintext_login = \"never\" and no TLS nobody could log in; set tls as well"}},
  });
}

}  // namespace
}  // namespace saslift::config
