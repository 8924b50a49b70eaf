#include "proxy/trial/device.h"

#include "catch.h"

using namespace saslift;
using proxy::trial::Device;

namespace {

struct Turn {
  std::string_view server;
  std::string_view device;
};

// The device hears each part and says what the turn says.
Device talk(config::Protocol protocol, const std::vector<Turn>& turns) {
  Device device(protocol);
  for (const Turn& turn : turns) {
    CAPTURE(turn.server);
    CHECK(device.receive(turn.server) == turn.device);
  }
  return device;
}

}  // namespace

TEST_CASE("IMAP: the folders are the proof") {
  const Device device =
      talk(config::Protocol::imap, {{"* OK rea", ""},
                                    {"dy\r\n", "a LOGIN trial trial\r\n"},
                                    {"* CAPABILITY IMAP4rev1\r\na OK done\r\n", "b LIST \"\" \"*\"\r\n"},
                                    {"* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent\r\n", ""},
                                    {"b OK LIST completed\r\n", "c LOGOUT\r\n"},
                                    {"* BYE bye\r\nc OK\r\n", ""}});
  CHECK(device.logged_in());
  CHECK(device.proven());
  CHECK(device.proof() ==
        std::vector<std::string>{"* LIST () \"/\" INBOX", "* LIST () \"/\" Sent", "b OK LIST completed"});
}

TEST_CASE("IMAP: authenticated but not connected is no proof") {
  const Device device =
      talk(config::Protocol::imap, {{"* OK\r\n", "a LOGIN trial trial\r\n"},
                                    {"a OK\r\n", "b LIST \"\" \"*\"\r\n"},
                                    {"b BAD User is authenticated but not connected.\r\n", "c LOGOUT\r\n"}});
  CHECK(device.logged_in());
  CHECK_FALSE(device.proven());
  CHECK(device.proof() == std::vector<std::string>{"b BAD User is authenticated but not connected."});
}

TEST_CASE("a refused login is left") {
  CHECK_FALSE(talk(config::Protocol::imap,
                   {{"* OK\r\n", "a LOGIN trial trial\r\n"}, {"a NO [CONTACTADMIN] no\r\n", "c LOGOUT\r\n"}})
                  .logged_in());
  CHECK_FALSE(talk(config::Protocol::pop3,
                   {{"+OK\r\n", "USER trial\r\n"}, {"+OK\r\n", "PASS trial\r\n"}, {"-ERR [AUTH] no\r\n", "QUIT\r\n"}})
                  .logged_in());
  CHECK_FALSE(talk(config::Protocol::smtp, {{"220 ready\r\n", "EHLO trial\r\n"},
                                            {"250 AUTH PLAIN\r\n", "AUTH PLAIN AHRyaWFsAHRyaWFs\r\n"},
                                            {"535 5.7.0 no\r\n", "QUIT\r\n"}})
                  .logged_in());
}

TEST_CASE("POP3: the count is the proof, SMTP: any answer") {
  const Device pop3 = talk(config::Protocol::pop3, {{"+OK\r\n", "USER trial\r\n"},
                                                    {"+OK\r\n", "PASS trial\r\n"},
                                                    {"+OK\r\n", "STAT\r\n"},
                                                    {"+OK 3 4711\r\n", "QUIT\r\n"}});
  CHECK(pop3.proven());
  CHECK(pop3.proof() == std::vector<std::string>{"+OK 3 4711"});
  const Device smtp =
      talk(config::Protocol::smtp, {{"220 ready\r\n", "EHLO trial\r\n"},
                                    {"250-SIZE 5\r\n250 AUTH PLAIN\r\n", "AUTH PLAIN AHRyaWFsAHRyaWFs\r\n"},
                                    {"235 2.7.0 yes\r\n", "NOOP\r\n"},
                                    {"250 2.0.0 ok\r\n", "QUIT\r\n"}});
  CHECK(smtp.proven());
}
