// Commands and replies through a rewriter: envelopes mended, replies in their turn, nothing that cannot pass.
#include "catch.h"
#include "proxy/smtp/rewriting/reply_filter.h"
#include "stage_bench.h"

namespace saslift::proxy::smtp::rewriting {
namespace {

const std::vector<Cuts>& all_cuts() {
  static const std::vector<Cuts> all = {Cuts(Cuts::Way::in_one_go), Cuts(Cuts::Way::by_byte),
                                        Cuts(Cuts::Way::at_random, 1), Cuts(Cuts::Way::at_random, 2)};
  return all;
}

std::string sent_for(std::string_view command) {
  StageBench bench;
  bench.client(command);
  return bench.to_server() + bench.to_client();
}

TEST_CASE("MAIL names the mailbox, loses its SIZE, and is mended, as RCPT is") {
  struct Row {
    std::string written;
    std::string sent;
  };
  const std::string control = "500 5.5.2 A command has no control characters in it\r\n";
  const std::vector<Row> rows = {
      {"MAIL FROM:<scanner@old.example>\r\n", "MAIL FROM:<scans@contoso.com>\r\n"},
      {"MAIL FROM:<>\r\n", "MAIL FROM:<scans@contoso.com>\r\n"},
      {"mail from:<a@b> SIZE=1000 BODY=8BITMIME\r\n", "MAIL FROM:<scans@contoso.com> BODY=8BITMIME\r\n"},
      {"MAIL FROM:<a@b> BODY=8BITMIME  size=0 SMTPUTF8 \r\n",
       "MAIL FROM:<scans@contoso.com> BODY=8BITMIME SMTPUTF8\r\n"},
      {"MAIL FROM: <a@b>\r\n", "MAIL FROM:<scans@contoso.com>\r\n"},
      {"MAIL FROM : a@b SIZE=9\r\n", "MAIL FROM:<scans@contoso.com>\r\n"},
      {"  MAIL   FROM:a@b\n", "MAIL FROM:<scans@contoso.com>\r\n"},
      {"MAIL FROM:<a@b\r\n", "MAIL FROM:<scans@contoso.com>\r\n"},
      {"MAIL FROM:\"a b>\"@c RET=HDRS\r\n", "MAIL FROM:<scans@contoso.com> RET=HDRS\r\n"},
      {"MAIL FROM:<a@b>RET=HDRS\r\n", "MAIL FROM:<scans@contoso.com> RET=HDRS\r\n"},
      {"MAIL FROM\r\n", "501 5.5.4 Write it as MAIL FROM:<address>\r\n"},
      {"MAIL FROM: \r\n", "501 5.5.4 Write it as MAIL FROM:<address>\r\n"},
      {"MAIL TO:<a@b>\r\n", "501 5.5.4 Write it as MAIL FROM:<address>\r\n"},
      {"MAIL\r\n", "501 5.5.4 Write it as MAIL FROM:<address>\r\n"},
      {"RCPT TO:<d@e.f>\r\n", "RCPT TO:<d@e.f>\r\n"},
      {"rcpt to: d@e.f\r\n", "RCPT TO:<d@e.f>\r\n"},
      {"RCPT TO :<d@e.f> NOTIFY=NEVER\r\n", "RCPT TO:<d@e.f> NOTIFY=NEVER\r\n"},
      {"RCPT TO:\"x y\"@e.f\r\n", "RCPT TO:<\"x y\"@e.f>\r\n"},
      {"RCPT TO:d@e.f>\r\n", "RCPT TO:<d@e.f>\r\n"},
      {"RCPT d@e.f\r\n", "RCPT d@e.f\r\n"},
      // A CR or NUL within a command could be a command's end to somebody.
      {"RCPT TO:<d@e.f>\rMAIL FROM:<boss@contoso.com>\r\n", control},
      {"NOOP\r\r\n", control},
      {std::string("NO\0OP\r\n", 7), control},
      // Postfix takes these for DATA.
      {"DATA\v\r\n", control},
      {"DATA\f\r\n", control},
      {"DATA\x7F\r\n", control},
      // Names as in a From field, and what stands between the recipients of a list.
      {"MAIL FROM:Scanner <a@b> SIZE=3 BODY=8BITMIME\r\n", "MAIL FROM:<scans@contoso.com> BODY=8BITMIME\r\n"},
      {"RCPT TO:\"X < Y\" <d@e.f>\r\n", "RCPT TO:<d@e.f>\r\n"},
      {"RCPT TO:<d@e.f>;\r\n", "RCPT TO:<d@e.f>\r\n"},
      {"RCPT TO:<d@e.f>, NOTIFY=NEVER\r\n", "RCPT TO:<d@e.f> NOTIFY=NEVER\r\n"},
      {"NOOP\n", "NOOP\r\n"},
      {"RSET\r\nXYZZY  a b\r\nQUIT\r\n", "RSET\r\nXYZZY  a b\r\nQUIT\r\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.written);
    CHECK(sent_for(row.written) == row.sent);
  }
}

TEST_CASE("PIPELINING: our own answers come in their turn among the server's") {
  for (const Cuts& cuts : all_cuts()) {
    StageBench bench(test_rewriting(), cuts);
    bench.client("MAIL FROM\r\nMAIL FROM:<a@b>\r\nBDAT 5\r\nMAILXRCPT TO:<d@e.f>\r\nBDAT 0 LAST\r\nNOOP\r\n");
    CHECK(bench.to_client() == "501 5.5.4 Write it as MAIL FROM:<address>\r\n");
    CHECK(bench.to_server() == "MAIL FROM:<scans@contoso.com>\r\nRCPT TO:<d@e.f>\r\nNOOP\r\n");
    bench.server("250-2.1.0 Sender\r\n250 2.1.0 OK\r\n");
    CHECK(bench.to_client() == "250-2.1.0 Sender\r\n250 2.1.0 OK\r\n502 5.5.1 BDAT is not available; use DATA\r\n");
    bench.server("550 5.1.1 no\r\n250 noop\r\n");
    CHECK(bench.to_client() == "550 5.1.1 no\r\n502 5.5.1 BDAT is not available; use DATA\r\n250 noop\r\n");
  }
}

TEST_CASE("CHUNKING and BINARYMIME are taken out of EHLO's reply, wherever they stand; every other reply passes") {
  const auto reply_to = [](std::string_view command, std::string_view reply, const Cuts& cuts) {
    StageBench bench(test_rewriting(), cuts);
    bench.client(command);
    bench.server(reply);
    return bench.to_client();
  };
  for (const Cuts& cuts : all_cuts()) {
    CHECK(reply_to("EHLO box\r\n",
                   "250-outlook.example Hello\r\n250-SIZE 157286400\r\n250-CHUNKING\r\n250-binarymime\r\n"
                   "250-PIPELINING\r\n250 SMTPUTF8\r\n",
                   cuts) == "250-outlook.example Hello\r\n250-SIZE 157286400\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n");
    CHECK(reply_to("EHLO box\r\n", "250-chunking\r\n250-SIZE\r\n250-BINARYMIME\r\n250 CHUNKING \r\n", cuts) ==
          "250-chunking\r\n250 SIZE\r\n");
    CHECK(reply_to("EHLO box\r\n", "250 CHUNKING\r\n", cuts) == "250 CHUNKING\r\n");
    CHECK(reply_to("EHLO box\r\n", "250-a\r\n250\r\n", cuts) == "250-a\r\n250 \r\n");
    CHECK(reply_to("EHLO box\r\n", "502-no\r\n502 CHUNKING\r\n", cuts) == "502-no\r\n502 CHUNKING\r\n");
    CHECK(reply_to("HELP\r\n", "214-BDAT is\r\n214 CHUNKING\r\n", cuts) == "214-BDAT is\r\n214 CHUNKING\r\n");
    CHECK(reply_to("EHLO a\r\nNOOP\r\n", "250-a\r\n250 CHUNKING\r\n250 CHUNKING\r\n", cuts) ==
          "250 a\r\n250 CHUNKING\r\n");
  }
  // Unasked, as when the server goes down.
  CHECK(reply_to("", "421 4.3.2 Service not active\r\n", Cuts(Cuts::Way::by_byte)) ==
        "421 4.3.2 Service not active\r\n");
}

TEST_CASE("a message is one only if the server says 354; until then what follows DATA is kept") {
  StageBench bench;
  bench.client("DATA\r\nFrom: a\r\n\r\nhi\r\n.\r\nNOOP\r\n");
  CHECK(bench.to_server() == "DATA\r\n");
  CHECK(bench.stage->keeps_client_waiting());
  SECTION("go ahead") {
    bench.server("354 go\r\n");
    CHECK_FALSE(bench.stage->keeps_client_waiting());
    CHECK(bench.to_client() == "354 go\r\n");
    CHECK(bench.to_server().ends_with("\r\n\r\nhi\r\n.\r\nNOOP\r\n"));
    bench.server("250 taken\r\n250 noop\r\n");
    CHECK(bench.to_client() == "250 taken\r\n250 noop\r\n");
  }
  SECTION("refused: the server hears commands, as it would without us") {
    bench.server("554 5.5.1 no valid recipients\r\n");
    CHECK(bench.to_server() == "From: a\r\n\r\nhi\r\n.\r\nNOOP\r\n");
  }
}

TEST_CASE("a 354 answers DATA, whatever the server left unanswered before it") {
  StageBench bench;
  bench.client("\r\nDATA\r\n");
  bench.server("354 go\r\n");
  bench.to_server();
  bench.client("Subject: MAIL FROM:<q@r>\r\n\r\nMAIL FROM:<q@r>\r\n.\r\n");
  CHECK(bench.to_server().ends_with("\r\n\r\nMAIL FROM:<q@r>\r\n.\r\n"));
  bench.server("250 taken\r\n");
  CHECK(bench.to_client() == "354 go\r\n250 taken\r\n");
}

TEST_CASE("our own answers that waited behind a command left unanswered come before the 354") {
  StageBench bench;
  bench.client("\r\nMAIL\r\nDATA\r\n");
  CHECK(bench.to_client().empty());
  bench.server("354 go\r\n");
  CHECK(bench.to_client() == "501 5.5.4 Write it as MAIL FROM:<address>\r\n354 go\r\n");
}

TEST_CASE("a server that wants a message where there is none ends the session") {
  StageBench bench;
  bench.client("NOOP\r\n");
  bench.server("354 go\r\n");
  CHECK(bench.stage->why_over() == "server_out_of_step");
}

TEST_CASE("a client that sends commands without end waits for the server's answers") {
  for (const std::string command : {"BDAT\n", "NOOP\n", "\n"}) {
    CAPTURE(command);
    StageBench bench;
    bench.client("NOOP\r\n");
    std::string flood;
    for (std::size_t i = 0; i < 2 * most_unanswered; ++i) flood += command;
    bench.client(flood);
    CHECK(bench.stage->keeps_client_waiting());
    bench.to_server();
    bench.to_client();
    bench.server("250 noop\r\n");
    while (bench.stage->keeps_client_waiting()) bench.server("250 another\r\n");
    const std::string sent = bench.to_server() + bench.to_client();
    CHECK_FALSE(sent.empty());
  }
}

TEST_CASE("what is larger than it may be ends the session, told in SMTP's words") {
  SECTION("a header section") {
    StageBench bench;
    bench.client("DATA\r\n");
    bench.server("354 go\r\n");
    bench.to_client();
    bench.to_server();
    std::string header;
    while (header.size() <= longest_header) header += "X-Long: " + std::string(900, 'x') + "\r\n";
    bench.client(header);
    CHECK(bench.to_server().empty());
    CHECK(bench.stage->why_over().empty());
    bench.client("\r\nbody\r\n.\r\nMAIL FROM:<a@b>\r\n");
    CHECK(bench.to_server().empty());  // no half message reaches the server
    CHECK(bench.to_client() == "552 5.3.4 The header of the message is too long\r\n");
    CHECK(bench.stage->why_over() == "header_too_long");
  }
  SECTION("not a header section with a large body behind it, in one read") {
    StageBench bench;
    bench.client("DATA\r\n");
    bench.server("354 go\r\n");
    std::string header;
    while (header.size() <= longest_header - 2000) header += "X-Long: " + std::string(900, 'x') + "\r\n";
    bench.client(header + "\r\n" + std::string(longest_header, 'y') + "\r\n.\r\n");
    CHECK(bench.stage->why_over().empty());
    CHECK(bench.to_server().ends_with("y\r\n.\r\n"));
  }
  SECTION("one line of it without end") {
    StageBench bench;
    bench.client("DATA\r\n");
    bench.server("354 go\r\n");
    bench.client("X-Long: " + std::string(longest_header, 'x'));
    bench.client("\r\n.\r\n");
    CHECK(bench.stage->why_over() == "header_too_long");
  }
  SECTION("a command") {
    StageBench bench;
    bench.client(std::string(64 * 1024 + 1, 'x'));
    CHECK(bench.to_client() == "500 5.5.2 Line too long\r\n");
    CHECK(bench.stage->why_over() == "line_too_long");
    bench.client("NOOP\r\n");
    CHECK(bench.to_server().empty());
  }
  SECTION("a server's reply") {
    StageBench bench;
    bench.server(std::string(64 * 1024 + 1, '2'));
    CHECK(bench.stage->why_over() == "server_reply_too_long");
  }
  SECTION("a server's reply to EHLO") {
    StageBench bench;
    bench.client("EHLO a\r\n");
    for (int i = 0; i < 3000; ++i) bench.server("250-" + std::string(40, 'x') + "\r\n");
    CHECK(bench.stage->why_over() == "server_reply_too_long");
  }
}

}  // namespace
}  // namespace saslift::proxy::smtp::rewriting
