#include "config/network.h"

#include "catch.h"

namespace saslift::config {
namespace {

TEST_CASE("IP addresses are read, folded and written back") {
  struct Row {
    const char* text;
    const char* expected;  // nullptr: refused
  };
  const auto row = GENERATE(values<Row>({{"127.0.0.1", "127.0.0.1"},
                                         {"::1", "::1"},
                                         {"2001:DB8::0:1", "2001:db8::1"},
                                         {"::ffff:192.0.2.1", "192.0.2.1"},
                                         {"::ffff:c000:201", "192.0.2.1"},
                                         {"0.0.0.0", "0.0.0.0"},
                                         {"", nullptr},
                                         {"localhost", nullptr},
                                         {"127.0.0.1 ", nullptr},
                                         {"127.1", nullptr},
                                         {"256.0.0.1", nullptr},
                                         {"fe80::1%eth0", nullptr},
                                         {"[::1]", nullptr},
                                         {"1:2:3:4:5:6:7:8:9", nullptr}}));
  INFO(row.text);
  const auto address = IpAddress::parse(row.text);
  REQUIRE(address.has_value() == (row.expected != nullptr));
  if (address) CHECK(address->text() == row.expected);
}

TEST_CASE("an IPv4 address in IPv6 clothes is the same address") {
  CHECK(IpAddress::parse("::ffff:192.0.2.1") == IpAddress::parse("192.0.2.1"));
  CHECK(IpAddress::parse("::192.0.2.1") != IpAddress::parse("192.0.2.1"));
  CHECK(IpAddress::parse("::ffff:192.0.2.1")->bytes() == std::string_view("\xc0\x00\x02\x01", 4));
  CHECK(IpAddress::parse("::1")->bytes().size() == 16);
}

TEST_CASE("loopback and unspecified addresses are known") {
  CHECK(IpAddress::parse("127.255.0.3")->is_loopback());
  CHECK(IpAddress::parse("::1")->is_loopback());
  CHECK(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
  CHECK_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
  CHECK_FALSE(IpAddress::parse("::2")->is_loopback());
  CHECK_FALSE(IpAddress::parse("1::1")->is_loopback());
  CHECK(IpAddress::parse("0.0.0.0")->is_unspecified());
  CHECK(IpAddress::parse("::")->is_unspecified());
  CHECK_FALSE(IpAddress::parse("::1")->is_unspecified());
}

TEST_CASE("socket addresses are read and written back") {
  struct Row {
    const char* text;
    const char* expected;
  };
  const auto row = GENERATE(values<Row>({{"127.0.0.1:1143", "127.0.0.1:1143"},
                                         {"[::1]:1143", "[::1]:1143"},
                                         {"127.0.0.1:0", "127.0.0.1:0"},
                                         {"[::ffff:127.0.0.1]:25", "127.0.0.1:25"},
                                         {"127.0.0.1", nullptr},
                                         {"127.0.0.1:", nullptr},
                                         {"127.0.0.1:65536", nullptr},
                                         {"127.0.0.1:-1", nullptr},
                                         {"127.0.0.1:25x", nullptr},
                                         {"::1:1143", nullptr},
                                         {"[127.0.0.1]:1143", nullptr},
                                         {"[]:1143", nullptr},
                                         {":1143", nullptr},
                                         {"localhost:1143", nullptr}}));
  INFO(row.text);
  const auto address = SocketAddress::parse(row.text);
  REQUIRE(address.has_value() == (row.expected != nullptr));
  if (address) CHECK(address->text() == row.expected);
}

TEST_CASE("networks are read, masked and written back") {
  struct Row {
    const char* text;
    const char* expected;
  };
  const auto row = GENERATE(values<Row>({{"192.168.10.0/24", "192.168.10.0/24"},
                                         {"192.168.10.77/24", "192.168.10.0/24"},
                                         {"192.168.10.77", "192.168.10.77/32"},
                                         {"10.255.255.255/9", "10.128.0.0/9"},
                                         {"0.0.0.0/0", "0.0.0.0/0"},
                                         {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
                                         {"::1", "::1/128"},
                                         {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
                                         {"::ffff:0:0/96", "0.0.0.0/0"},
                                         {"::ffff:0:0/95", nullptr},
                                         {"192.168.10.0/33", nullptr},
                                         {"2001:db8::/129", nullptr},
                                         {"192.168.10.0/", nullptr},
                                         {"192.168.10.0/24/3", nullptr},
                                         {"192.168.10/24", nullptr},
                                         {"/24", nullptr},
                                         {"", nullptr}}));
  INFO(row.text);
  const auto network = Network::parse(row.text);
  REQUIRE(network.has_value() == (row.expected != nullptr));
  if (network) CHECK(network->text() == row.expected);
}

TEST_CASE("a network contains its addresses and no others") {
  struct Row {
    const char* network;
    const char* address;
    bool contained;
  };
  const auto row = GENERATE(values<Row>({{"192.168.10.0/24", "192.168.10.255", true},
                                         {"192.168.10.0/24", "192.168.11.0", false},
                                         {"192.168.10.0/24", "::ffff:192.168.10.4", true},
                                         {"10.128.0.0/9", "10.128.0.0", true},
                                         {"10.128.0.0/9", "10.127.255.255", false},
                                         {"192.0.2.1", "192.0.2.1", true},
                                         {"192.0.2.1", "192.0.2.0", false},
                                         {"0.0.0.0/0", "203.0.113.9", true},
                                         {"0.0.0.0/0", "::1", false},
                                         {"::/0", "2001:db8::1", true},
                                         {"::/0", "192.0.2.1", false},
                                         {"2001:db8:8000::/33", "2001:db8:ffff::1", true},
                                         {"2001:db8:8000::/33", "2001:db8:7fff::1", false}}));
  INFO(row.network << " " << row.address);
  CHECK(Network::parse(row.network)->contains(*IpAddress::parse(row.address)) == row.contained);
}

}  // namespace
}  // namespace saslift::config
