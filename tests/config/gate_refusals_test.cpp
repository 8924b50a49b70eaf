// Who may connect, from where, and who needs no login: what is wrong with it.
#include "refusals.h"

namespace saslift::config {
namespace {

using namespace test;

const std::string needs_allow =
    "3:11: a listener off loopback says whom it lets in: allow = [\"private\"], or the networks of the devices";
const std::string in_clear =
    "without TLS a password is taken from this machine alone, so no device could log in here; set tls = "
    "\"starttls\" or \"implicit\", or plaintext_login = \"allowed\" where the network can be trusted";

TEST_CASE("FAULTS 54: a listener off loopback without allow is refused") {
  const std::string allowed = "\nplaintext_login = \"allowed\"";
  check({
      {with_listener("address = \"0.0.0.0:587\"" + allowed), {needs_allow}},
      {with_listener("address = \"[::]:587\"" + allowed), {needs_allow}},
      {with_listener("address = \"192.168.10.2:587\"" + allowed), {needs_allow}},
      {with_listener("address = \"[::ffff:192.168.10.2]:587\"" + allowed), {needs_allow}},
      {with_listener("address = \"[fe80::1]:587\"" + allowed), {needs_allow}},
      {with_listener("address = \"0.0.0.0:587\"\nallow = []" + allowed),
       {"4:9: 'allow' is empty; fill it in or leave the line out"}},
      {with_listener("address = \"0.0.0.0:587\"\nallow = [\"private\", \"nonsense\"]" + allowed),
       {"4:21: 'nonsense' is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private"}},
      {with_listener("address = \"0.0.0.0:587\"\nallow = [\"private\"]" + allowed), {}},
      {with_listener("address = \"[::]:587\"\nallow = [\"2001:db8::/32\"]\nproxy_from = [\"10.0.0.9\"]" + allowed), {}},
      {with_listener("address = \"127.0.0.1:587\"\nallow = [\"127.0.0.1\"]"), {}},
      {with_listener("address = \"127.0.0.1:587\"\nproxy_from = [\"balancer\"]"),
       {"4:15: 'balancer' is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private"}},
  });
}

TEST_CASE("FAULTS 55: a listener where nobody could log in is refused") {
  const std::string private_only = "address = \"0.0.0.0:587\"\nallow = [\"private\"]";
  check({
      {with_listener(private_only), {"3:11: " + in_clear}},
      {with_listener(private_only + "\nplaintext_login = \"loopback\""), {"5:19: " + in_clear}},
      {with_listener(private_only + "\nplaintext_login = \"never\""),
       {"5:19: with plaintext_login = \"never\" and no TLS nobody could log in; set tls as well"}},
      // Trusted addresses send no password.
      {with_listener(private_only) + "\n" + identity_with("") + account_with("trusted = [\"192.168.10.21\"]"), {}},
      {"[[listener]]\nprotocol = \"imap\"\n" + private_only + "\n" + identity_with("") +
           account_with("trusted = [\"127.0.0.1\"]") + "[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n",
       {"3:11: " + in_clear}},
  });
}

std::string trusting(const std::string& lines) {
  return account_with(lines) + identity_with("") +
         with_listener("address = \"0.0.0.0:587\"\nallow = [\"192.168.0.0/16\", \"2001:db8::/32\"]\n");
}

TEST_CASE("an address is trusted for one account, and where mail can come from it") {
  const std::string other = "[account.other]\nidentity = \"office\"\npassword = \"" + std::string(good_hash) +
                            "\"\nlogin = \"other@contoso.com\"\ntrusted = [\"192.168.10.21/32\"]\n";
  const auto not_one = [](const std::string& text) {
    return "5:12: '" + text + "' is not one address; who may send without a login is named one by one: 192.168.10.21";
  };
  check({
      {trusting("trusted = [\"192.168.10.21\", \"192.168.10.22/32\", \"2001:db8::1\", \"2001:db8::2/128\"]"), {}},
      {trusting("trusted = [\"192.168.10.0/24\"]"), {not_one("192.168.10.0/24")}},
      {trusting("trusted = [\"2001:db8::/64\"]"), {not_one("2001:db8::/64")}},
      {trusting("trusted = [\"private\"]"), {not_one("private")}},
      {trusting("trusted = [\"0.0.0.0\"]"), {not_one("0.0.0.0")}},
      {trusting("trusted = [\"printer\"]"), {not_one("printer")}},
      {trusting("trusted = [\"192.168.10.21\"]") + other,
       {"19:12: 192.168.10.21 is already trusted by [account.reception] (line 5); an address stands for one account"}},
      {trusting("trusted = [\"::ffff:192.168.10.21\"]") + other,
       {"19:12: 192.168.10.21 is already trusted by [account.reception] (line 5); an address stands for one account"}},
      {trusting("trusted = [\"10.0.0.1\"]"), {"5:11: no smtp listener lets 10.0.0.1 in; add it to the 'allow' of one"}},
      // Loopback only where it is listed.
      {trusting("trusted = [\"127.0.0.1\"]"),
       {"5:11: no smtp listener lets 127.0.0.1 in; add it to the 'allow' of one"}},
      {account_with("trusted = [\"127.0.0.1\"]") + identity_with(""), {}},
      {trusting("trusted = [\"192.168.10.21\"]\nallow = [\"192.168.20.0/24\"]"),
       {"5:12: 192.168.10.21 is trusted, but not in this account's 'allow'; add it there"}},
      {trusting("trusted = [\"192.168.10.21\"]\nprotocols = [\"imap\"]"),
       {"5:11: 'trusted' is for sending; the account's protocols need smtp"}},
      {account_with("trusted = [\"127.0.0.1\"]\nprotocols = [\"smtp\"]", "*@contoso.com") + identity_with(""),
       {"5:11: an address stands for one mailbox, and a wildcard for many; give it an account of its own"}},
  });
}

TEST_CASE("connections of a mailbox are counted in numbers") {
  check({
      {"[service]\nsmtp_connections = 0\n", {"2:20: 'smtp_connections' should be between 1 and 10000"}},
      {"[service]\nconnections = \"many\"\n",
       {"2:15: 'connections' is text, but should be a whole number without quotes"}},
  });
}

}  // namespace
}  // namespace saslift::config
