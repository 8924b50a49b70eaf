#include "config/text_forms.h"

#include "catch.h"
#include "config/password_hash.h"
#include "config/suggestions.h"

namespace saslift::config {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations carry their unit") {
  CHECK(parse_duration("25s") == 25s);
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0s") == 0s);
  CHECK(parse_duration("4294967295h") == 4294967295h);
  for (const char* wrong :
       {"", "25", "s", "25 s", "-1s", "+1s", "1.5s", "25S", "25sec", "4294967296s", " 25s", "25s "}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
}

TEST_CASE("text for messages is escaped and cut") {
  CHECK(in_quotes("plain") == "'plain'");
  CHECK(in_quotes("a\nb\x1b[0m\x7f") == "'a\\x0ab\\x1b[0m\\x7f'");
  CHECK(in_quotes(std::string(65, 'x')) == "'" + std::string(64, 'x') + "...'");
  // Not in the middle of a character.
  CHECK(in_quotes(std::string(63, 'x') + "\xc3\xa4") == "'" + std::string(63, 'x') + "...'");
}

TEST_CASE("names, hosts, addresses, GUIDs and URLs are told from what is none") {
  CHECK(is_plain_name("front-desk_2"));
  CHECK_FALSE(is_plain_name("scans@contoso.com"));
  CHECK_FALSE(is_plain_name(""));
  CHECK_FALSE(is_plain_name(std::string(65, 'a')));
  CHECK(plain_name_from("scans@contoso.com") == "scans");
  CHECK(plain_name_from("*@contoso.com") == "everyone");
  CHECK(plain_name_from("my printer.2") == "my-printer-2");

  CHECK(is_host_name("a"));
  CHECK(is_host_name("outlook.office365.com"));
  for (const char* wrong : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "a:993", "\xc3\xa4.de"}) {
    INFO(wrong);
    CHECK_FALSE(is_host_name(wrong));
  }
  CHECK(is_mail_address("scans@contoso.com"));
  CHECK(is_mail_address("o'brien+x@contoso.com"));
  for (const char* wrong : {"scans", "@contoso.com", "scans@", "a@b@c", "a b@c.com", "CONTOSO\\a@b.c", "a\x01@b.c"}) {
    INFO(wrong);
    CHECK_FALSE(is_mail_address(wrong));
  }
  CHECK(is_guid("6F9619FF-8b86-d011-b42d-00c04fc964ff"));
  CHECK(is_guid("{6f9619ff-8b86-d011-b42d-00c04fc964ff}"));
  CHECK_FALSE(is_guid("6f9619ff-8b86-d011-b42d-00c04fc964f"));
  CHECK_FALSE(is_guid("6f9619ff+8b86-d011-b42d-00c04fc964ff"));

  CHECK(host_of_https_url("https://Login.Lab.Example:8443/token") == "login.lab.example");
  CHECK(host_of_https_url("https://[::1]:8443/token") == "[::1]");
  for (const char* wrong : {"http://a/b", "https://", "https:///b", "https://u@a/b", "https://a/b?c", "https://a/b#c",
                            "https://a:0/b", "https://a:65536/b", "https://a:x/b", "https://a b/", "https://a/\n",
                            "https://[::g]/b", "https://a_b/c", "ftp://a/b"}) {
    INFO(wrong);
    CHECK_FALSE(host_of_https_url(wrong));
  }
}

TEST_CASE("slips of the pen are seen") {
  CHECK(edit_distance("password", "pasword") == 1);
  CHECK(edit_distance("passwrod", "password") == 1);
  CHECK(edit_distance("PASSWORD", "password") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(nearest("pasword", {"provider", "password"}) == "password");
  CHECK(nearest("xyz", {"provider", "password"}) == std::nullopt);
  CHECK(nearest("", {"a"}) == "a");
  CHECK(nearest(std::string(100'000, 'p'), {"password"}) == std::nullopt);
}

TEST_CASE("only argon2id hashes that a login can afford are taken") {
  const std::string salt_and_digest = "$b1nfXPRgBWqNTubGxJsrUg$wXjIjpd62Z1zcv7QuIGkIu3h1b93KGFQ8UycEregwAo";
  const auto hash = [&](std::string_view cost) { return "$argon2id$v=19$" + std::string(cost) + salt_and_digest; };
  CHECK_FALSE(refusal_of_hash({hash("m=19456,t=2,p=1"), "x"}));
  CHECK_FALSE(refusal_of_hash({hash("m=262144,t=10,p=4"), "x"}));

  struct Row {
    std::string hash;
    std::string expected;
  };
  for (const Row& row :
       std::vector<Row>{{hash("m=262145,t=2,p=1"), "costs too much"},
                        {hash("m=19456,t=11,p=1"), "costs too much"},
                        {hash("m=4294967296,t=2,p=1"), "cut off or mistyped"},
                        {hash("m=7,t=2,p=1"), "cut off or mistyped"},
                        {hash("m=019456,t=2,p=1"), "cut off or mistyped"},
                        {hash("m=19456,t=0,p=1"), "cut off or mistyped"},
                        {hash("m=19456,t=2,p=17"), "cut off or mistyped"},
                        {hash("t=2,m=19456,p=1"), "cut off or mistyped"},
                        {hash("m=19456,t=2,p=1") + "=", "cut off or mistyped"},
                        {hash("m=19456,t=2,p=1") + std::string(300, 'A'), "cut off or mistyped"},
                        {"$argon2id$v=16$m=19456,t=2,p=1" + salt_and_digest, "cut off or mistyped"},
                        {"$argon2id$v=19$m=19456,t=2,p=1$b1nfXPRgBWqNTubGxJsrUg", "cut off or mistyped"},
                        {"$argon2id$v=19$m=19456,t=2,p=1$$", "cut off or mistyped"},
                        {"$argon2id$", "cut off or mistyped"},
                        {"$argon2i$v=19$m=19456,t=2,p=1" + salt_and_digest, "only argon2id"},
                        {"$2y$05$abcdefghijklmnopqrstuu5s3Q0Z2Cz3YVwzY4Jb1p8uX9fW0b1e2", "only argon2id"},
                        {"correct horse battery staple", "never the password itself"}}) {
    INFO(row.hash);
    const auto refusal = refusal_of_hash({row.hash, "scanner"});
    REQUIRE(refusal);
    CHECK(refusal->find(row.expected) != std::string::npos);
    CHECK(refusal->find("saslift password scanner") != std::string::npos);
    CHECK(refusal->find("correct horse") == std::string::npos);
    CHECK(refusal->find("wXjIjpd62Z1") == std::string::npos);
  }
}

}  // namespace
}  // namespace saslift::config
