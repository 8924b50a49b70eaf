// The PROXY protocol, versions 1 and 2 (haproxy.org: proxy-protocol.txt).
#include "proxy/dialogue/proxy_header.h"

#include "catch.h"

namespace saslift::proxy {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(char command, char family, const std::string& rest) {
  return signature + command + family + static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size()) + rest;
}

const std::string v4_addresses = "\xc0\xa8\x0a\x15\x0a\0\0\1\x1f\x40\x02\x4b"s;
const std::string v6_addresses =
    "\x20\x01\x0d\xb8\0\1\0\2\0\0\0\0\0\0\0\x09"s + "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"s + "\x1f\x40\x02\x4b"s;

// The client told, "(balancer)", "(more)" or what is wrong; read as a connection would be, no byte too far.
std::string read(const std::string& header, std::string behind = "EHLO printer\r\n") {
  std::string wire = header + behind;
  ProxyHeaderReader reader;
  for (;;) {
    const std::size_t wanted = reader.wanted();
    if (wanted == 0 || wire.size() < wanted) return "(more)";
    const auto outcome = reader.receive(wire.substr(0, wanted));
    wire.erase(0, wanted);
    if (!outcome) return std::string(outcome.error().what);
    if (!*outcome) continue;
    CHECK(wire == behind);
    return (*outcome)->client_address.empty() ? "(balancer)" : (*outcome)->client_address;
  }
}

TEST_CASE("FAULTS 56: version 1, a line") {
  CHECK(read("PROXY TCP4 192.168.10.21 10.0.0.1 56324 587\r\n") == "192.168.10.21");
  CHECK(read("PROXY TCP6 2001:db8::9 fd00::1 56324 587\r\n") == "2001:db8::9");
  CHECK(read("PROXY TCP6 ::ffff:192.168.10.21 ::ffff:10.0.0.1 56324 587\r\n") == "192.168.10.21");
  CHECK(read("PROXY UNKNOWN\r\n") == "(balancer)");
  CHECK(read("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n") == "(balancer)");

  CHECK(read("PROXY TCP4 192.168.10.21 10.0.0.1 56324 587\n") == "the PROXY line does not end in CR LF");
  CHECK(read("PROXY TCP4 2001:db8::9 fd00::1 1 2\r\n") == "the PROXY line names no address");
  CHECK(read("PROXY TCP6 192.168.10.21 10.0.0.1 1 2\r\n") == "the PROXY line names no address");
  CHECK(read("PROXY TCP4  192.168.10.21 10.0.0.1 1 2\r\n") == "the PROXY line names no address");
  CHECK(read("PROXY UDP4 192.168.10.21 10.0.0.1 1 2\r\n") == "the PROXY line names no address");
  CHECK(read("PROXY TCP4 mail.example 10.0.0.1 1 2\r\n") == "the PROXY line names no address");
  CHECK(read("PROXY TCP4 " + std::string(200, '1')) == "the PROXY line is too long");
}

TEST_CASE("FAULTS 56: version 2, binary") {
  CHECK(read(binary(0x21, 0x11, v4_addresses)) == "192.168.10.21");
  CHECK(read(binary(0x21, 0x21, v6_addresses)) == "2001:db8:1:2::9");
  const std::string mapped = std::string(10, '\0') + "\xff\xff\xc0\xa8\x0a\x15"s + std::string(20, '\0');
  CHECK(read(binary(0x21, 0x21, mapped)) == "192.168.10.21");
  // LOCAL is the balancer's own health check; AF_UNSPEC names nobody.
  CHECK(read(binary(0x20, 0x00, "")) == "(balancer)");
  CHECK(read(binary(0x20, 0x11, v4_addresses)) == "(balancer)");
  CHECK(read(binary(0x21, 0x00, "")) == "(balancer)");
  // TLVs behind the addresses.
  CHECK(read(binary(0x21, 0x11, v4_addresses + "\x03\0\4abcd\xea\0\x17\x01vpce-08d2bf15fac5001c9"s)) ==
        "192.168.10.21");
  CHECK(read(binary(0x21, 0x11, v4_addresses + std::string(4000, 'x'))) == "192.168.10.21");

  CHECK(read(binary(0x21, 0x11, v4_addresses + std::string(5000, 'x'))) == "the PROXY header is too long");
  CHECK(read(binary(0x11, 0x11, v4_addresses)) == "the PROXY header is of an unknown version");
  CHECK(read(binary(0x22, 0x11, v4_addresses)) == "the PROXY header has an unknown command");
  CHECK(read(binary(0x21, 0x31, v4_addresses)) == "the PROXY header names no address");
  CHECK(read(binary(0x21, 0x11, v4_addresses.substr(0, 11))) == "the PROXY header names no address");
  CHECK(read(binary(0x21, 0x21, v4_addresses)) == "the PROXY header names no address");
}

TEST_CASE("FAULTS 56: whoever does not begin with a header is found out by its first bytes") {
  for (const std::string& first : {"EHLO printer\r\n"s, "\r\n\r\nQUIT\r\n......"s, "\x16\x03\x01\x02\0\1\0\1\xfc\3\3x"s,
                                   "proxy TCP4 1.2"s, "PROXYTCP4 1.2"s}) {
    CHECK(read(first, {}) == "it does not begin with a PROXY header");
  }
  ProxyHeaderReader dripped;
  CHECK_FALSE(dripped.receive("P")->has_value());
  CHECK_FALSE(dripped.receive("X").has_value());
}

TEST_CASE("a header cut off anywhere is waited for, never read beyond") {
  for (const std::string& whole :
       {"PROXY TCP4 192.168.10.21 10.0.0.1 56324 587\r\n"s, binary(0x21, 0x11, v4_addresses)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      ProxyHeaderReader reader;
      const auto outcome = reader.receive(whole.substr(0, size));
      REQUIRE(outcome);
      CHECK_FALSE(outcome->has_value());
      CHECK(reader.wanted() > 0);
      CHECK(reader.wanted() <= whole.size() - size);
    }
  }
}

TEST_CASE("a stray header is known by its first bytes") {
  CHECK(is_proxy_header("PROXY TCP4 1.2.3.4 "));
  CHECK(is_proxy_header("PROXY UNKNOWN\r\n"));
  CHECK(is_proxy_header(binary(0x21, 0x11, v4_addresses)));
  CHECK_FALSE(is_proxy_header("PROXY LOGIN a b\r\n"));
  CHECK_FALSE(is_proxy_header("a1 PROXY TCP4 "));
  CHECK_FALSE(is_proxy_header(""));
}

}  // namespace
}  // namespace saslift::proxy
