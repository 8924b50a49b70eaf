// DESIGN 4.10: what an observer recognises, row by row of EXCHANGE 2.2 to 2.4, however the bytes are cut.
#include "proxy/dialogue/observer.h"

#include <string>
#include <vector>

#include "auth/remedies.h"
#include "catch.h"
#include "proxy/imap/watch.h"
#include "proxy/pop3/watch.h"
#include "proxy/smtp/watch.h"

namespace saslift::proxy {
namespace {

struct Row {
  Watch (*watch)();
  std::string from_server;
  std::string cause;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      // EXCHANGE 2.2
      {imap::watch, "A02 BAD User is authenticated but not connected.",
       "the login counts, but the mailbox does not open"},
      {imap::watch, "* BYE Session invalidated - AccessTokenExpired", "the token ended during the session"},
      {imap::watch, "A3 NO Request is throttled. Suggested Backoff Time: 89117 milliseconds",
       "the server is throttling this mailbox"},
      {imap::watch, "A3 BAD Request is throttled. Suggested Backoff Time: 89117 milliseconds",
       "the server is throttling this mailbox"},
      {imap::watch, "* BYE Connection closed. 14",
       "the server ended the session: the mailbox does not open, or is throttled"},
      {imap::watch, "* BYE Connection is closed. 13", "the server ended an idle session"},
      {imap::watch, "A4 BAD Command Error. 10", "the server does not know a command of the client's"},
      {imap::watch, "A4 BAD Command Argument Error. 11", "the server does not understand a command of the client's"},
      {imap::watch, "A4 BAD Command Argument Error. 12", "the server does not understand a command of the client's"},
      {imap::watch, "A01 NO AUTHENTICATE failed.", "the token does not open this mailbox by IMAP"},
      {imap::watch, "A01 NO LOGIN failed.", "a password was used where only OAuth works"},
      {imap::watch, "A01 NO Basic authentication is disabled.", "a password was used where only OAuth works"},
      // EXCHANGE 2.3
      {pop3::watch, "-ERR Protocol error. Connection is closed. 10",
       "the server could not read the login, as when a token is too long"},
      {pop3::watch, "-ERR Authentication failure: unknown user name or bad password.",
       "the token does not open this mailbox by POP3"},
      {pop3::watch, "-ERR Logon failure: unknown user name or bad password.",
       "a password was used where only OAuth works"},
      // EXCHANGE 2.4
      {smtp::watch, "535 5.7.3 Authentication unsuccessful [AM0PR01 2026-11-24T10:00:00.000Z 08DE]",
       "the token does not open this mailbox for SMTP"},
      {smtp::watch,
       "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit "
       "https://aka.ms/smtp_auth_disabled",
       "SMTP AUTH is switched off for the tenant"},
      {smtp::watch, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
       "SMTP AUTH is switched off for the mailbox"},
      {smtp::watch, "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
       "a password was used where only OAuth works"},
      {smtp::watch, "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
       "a policy of the tenant blocks this sign-in"},
      {smtp::watch, "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria",
       "a policy of the tenant blocks this sign-in"},
      {smtp::watch, "504 5.7.4 Unrecognized authentication type", "the server does not offer this mechanism"},
      {smtp::watch, "530 5.7.57 Client not authenticated to send mail",
       "the server does not count this session as logged in"},
      {smtp::watch, "535 5.7.57 Client not authenticated to send mail",
       "the server does not count this session as logged in"},
      {smtp::watch, "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
       "the mailbox may not send as this sender"},
      {smtp::watch,
       "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process",
       "the mailbox may not send as this sender"},
      {smtp::watch, "554 5.2.252 SendAsDenied; scans@contoso.com not allowed to send as printer@contoso.com",
       "the mailbox may not send as this sender"},
      {smtp::watch, "430 4.2.0 STOREDRV; mailbox logon failure; [BeginDiagnosticData] MapiExceptionLogonFailed",
       "the token does not open this mailbox for sending"},
      {smtp::watch, "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending",
       "more than three connections at once to this mailbox"},
      {smtp::watch, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
       "too many messages at once from this mailbox"},
      {smtp::watch, "550 5.1.8 Access denied, bad outbound sender", "the mailbox is blocked from sending"},
      {smtp::watch, "550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients.",
       "the mailbox has reached its recipients of the day"},
      {smtp::watch, "554 5.2.2 mailbox full", "the mailbox is full"},
      {smtp::watch, "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade",
       "something between us and the server lowers TLS below 1.2"},
      {smtp::watch, "421 4.3.2 Service not active", "the server has a passing problem"},
      {smtp::watch, "451 4.7.0 Temporary server error. Please try again later. PRX4",
       "the server has a passing problem"},
      {smtp::watch, "451 4.7.500 Server busy. Please try again later", "the server is busy"},
      {smtp::watch, "421 4.4.2 Connection dropped due to SocketError", "the server ended an idle session"},
      {smtp::watch, "421 4.4.1 Connection timed out. Total session duration: 00:20:55",
       "the session was idle or open for too long"},
      {smtp::watch, "500 5.3.3 Unrecognized command", "the server does not know a command of the client's"},
      {smtp::watch, "501 5.5.124 Invalid XOAUTH2 auth data", "the server could not read mailbox and token"},
      {smtp::watch, "501 5.5.127 Invalid token. Token will expire soon",
       "the server wants a token with more life left"},
      {smtp::watch, "550 5.7.30 Basic authentication is not supported for Client Submission.",
       "a password was used where only OAuth works"},
      {smtp::watch, "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup",
       "the recipient's side does not take this message"},
      {smtp::watch, "550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox",
       "the recipient's side does not take this message"},
      {smtp::watch, "550 5.7.136 RESOLVER.RST.SenderNotAuthenticatedForMailUser",
       "the recipient's side does not take this message"},
      {smtp::watch, "550 5.7.12 RESOLVER.RST", "the recipient's side does not take this message"},
      {smtp::watch, "550 5.7.64 TenantAttribution; Relay Access Denied", "the server takes this for mail from outside"},
      {smtp::watch, "550 5.4.1 Recipient address rejected: Access denied",
       "the recipient's side does not take this message"},
  };
  return all;
}

std::string cause_of(const std::vector<std::string>& recognised) {
  if (recognised.size() != 1) return std::to_string(recognised.size()) + " lines";
  return auth::remedy_for(recognised[0])->cause;
}

TEST_CASE("every row of EXCHANGE 2.2 to 2.4 is recognised, however it is cut, and as the last words") {
  for (const Row& row : rows()) {
    CAPTURE(row.from_server);
    const std::string before = row.watch == smtp::watch ? "250 2.1.0 Sender OK\r\n" : "";
    const std::string sent = before + row.from_server + "\r\n";
    Observer whole(row.watch());
    CHECK(cause_of(whole.observe(sent)) == row.cause);
    Observer dripped(row.watch());
    std::vector<std::string> recognised;
    for (const char byte : sent) {
      for (auto& words : dripped.observe({&byte, 1})) recognised.push_back(std::move(words));
    }
    CHECK(recognised == std::vector<std::string>{row.from_server});
    Observer late({.is_refusal = row.watch().is_refusal, .bytes_watched = 0});
    CHECK(cause_of(late.ended(sent)) == row.cause);
    // Each remedy says what to do.
    CHECK_FALSE(auth::remedy_for(row.from_server)->next_step.empty());
  }
}

TEST_CASE("a multi-line reply is recognised by the line that tells, each cause once a session") {
  Observer observer(smtp::watch());
  const auto first = observer.observe(
      "250 2.1.0 Sender OK\r\n550-5.7.60 SMTP; Client does not have permissions\r\n550 5.7.60 to send as this "
      "sender\r\n");
  CHECK(first == std::vector<std::string>{"550-5.7.60 SMTP; Client does not have permissions"});
  CHECK(observer.observe("550 5.7.60 again\r\n").empty());
  CHECK(observer.ended("550 5.7.60 again\r\n").empty());
  CHECK(cause_of(observer.observe("432 4.3.2 Concurrent connections limit exceeded\r\n")) ==
        "more than three connections at once to this mailbox");
}

TEST_CASE("what only looks like one is not one") {
  Observer imap(imap::watch());
  CHECK(imap.observe("* OK User is authenticated but not connected.\r\n* 1 FETCH (BODY {50}\r\n"
                     "Subject: AccessTokenExpired and throttled\r\n")
            .empty());
  Observer smtp(smtp::watch());
  CHECK(smtp.observe("250-5.7.60 hello\r\n250 2.0.0 throttled\r\n5 7\r\nabc 5.7.60\r\n").empty());
  CHECK(smtp.observe("550 5.1.1 User unknown\r\n").empty());
  Observer nothing({});
  CHECK(nothing.observe("550 5.7.60 no\r\n").empty());
  CHECK(nothing.ended("550 5.7.60 no\r\n").empty());
}

TEST_CASE("bulk is not scanned: IMAP and POP3 are watched for the first answers only, SMTP all the way") {
  const std::string bulk = "* 1 FETCH (FLAGS ())\r\n" + std::string(4096, 'x') + "\r\n";
  Observer imap(imap::watch());
  CHECK(imap.is_watching());
  CHECK(imap.observe(bulk).empty());
  CHECK_FALSE(imap.is_watching());
  CHECK(imap.observe("A9 BAD User is authenticated but not connected.\r\n").empty());
  Observer pop3(pop3::watch());
  CHECK(pop3.observe("+OK\r\n" + std::string(1024, 'x')).empty());
  CHECK_FALSE(pop3.is_watching());
  Observer smtp(smtp::watch());
  for (int i = 0; i < 10'000; ++i) CHECK(smtp.observe("250 2.0.0 OK\r\n").empty());
  CHECK(smtp.is_watching());
  // Memory is bounded by the line's cap, and the words stay printable.
  CHECK(smtp.observe("550 5.7.60 " + std::string(1 << 20, '\x01')).empty());
  const auto words = smtp.observe("\r\n");
  REQUIRE(words.size() == 1);
  CHECK(words[0].size() <= longest_line_observed);
  CHECK(words[0].ends_with("???"));
}

TEST_CASE("what stands in a mail is not the server's word") {
  const std::string text = "x BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n";
  const std::string fetched = "* 1 FETCH (FLAGS (" + std::string(300, 'k') + ") BODY[] {" +
                              std::to_string(text.size()) + "}\r\n" + text + ")\r\n";
  for (const std::size_t piece : {fetched.size() * 2, std::size_t{1}, std::size_t{7}}) {
    CAPTURE(piece);
    const std::string answers = fetched + "A3 NO Request is throttled.\r\n";
    Observer imap_observer(imap::watch());
    std::vector<std::string> told;
    for (std::size_t at = 0; at < answers.size(); at += piece) {
      for (auto& one : imap_observer.observe(std::string_view(answers).substr(at, piece))) told.push_back(one);
    }
    CHECK(told == std::vector<std::string>{"A3 NO Request is throttled."});
    Observer pop3_observer(pop3::watch());
    const std::string retrieved = "+OK 40 octets\r\nSubject: x\r\n\r\n-ERR mailbox full\r\n.\r\n-ERR mailbox full\r\n";
    told.clear();
    for (std::size_t at = 0; at < retrieved.size(); at += piece) {
      for (auto& one : pop3_observer.observe(std::string_view(retrieved).substr(at, piece))) told.push_back(one);
      if (retrieved.substr(0, at + piece).ends_with("\r\n.\r\n")) CHECK(told.empty());
    }
    CHECK(told == std::vector<std::string>{"-ERR mailbox full"});
  }
}

TEST_CASE("a server that repeats the token does not bring it into the log", "[imap]") {
  Observer observer(imap::watch());
  const std::string token(60, 'x');
  const auto told = observer.observe("* BYE Session invalidated - AccessTokenExpired " + token + "\r\n");
  CHECK(told == std::vector<std::string>{"* BYE Session invalidated - AccessTokenExpired [...]"});
}

}  // namespace
}  // namespace saslift::proxy
