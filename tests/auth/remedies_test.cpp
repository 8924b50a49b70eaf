#include "auth/remedies.h"

#include "catch.h"

using namespace saslift;
using namespace saslift::auth;

namespace {

TokenError error_with(std::string name, std::string description) {
  TokenError error;
  error.error = std::move(name);
  error.description = std::move(description);
  return error;
}

}  // namespace

TEST_CASE("the AADSTS number of a description is found whatever stands around it") {
  CHECK(aadsts_number("AADSTS7000222: The provided client secret keys are expired.") == 7000222);
  CHECK(aadsts_number("invalid: AADSTS50196") == 50196);
  CHECK(aadsts_number("AADSTS: none") == 0);
  CHECK(aadsts_number("AADSTS99999999999999999999") == 0);
  CHECK(aadsts_number("aadsts50196") == 0);
  CHECK(aadsts_number("") == 0);
}

TEST_CASE("numbers in a refusal's text are no enhanced status codes, and its certificates are not ours") {
  CHECK(remedy_for("451 4.7.500 Server busy. Please try again later from [40.95.7.60].")->cause ==
        "the server is busy");
  CHECK_FALSE(remedy_for("550 5.7.1 Rejected: the S/MIME certificate has expired"));
  CHECK_FALSE(remedy_for("550 5.1.1 <old5.1.90@x.y> no such user"));
  CHECK_FALSE(remedy_for("NO 5.7.60"));
  CHECK(remedy_for("550-5.7.60 SMTP; Client does not have permissions")->cause ==
        "the mailbox may not send as this sender");
}

TEST_CASE("FAULTS 38: a refused token request has cause and next step") {
  const auto expired = remedy_for(error_with("invalid_client", "AADSTS7000222: ..."));
  REQUIRE(expired.has_value());
  CHECK(expired->cause == "the client secret has expired");
  CHECK(expired->next_step == "make a new secret for the app and put it in its file");
  CHECK(remedy_for(error_with("invalid_client", "AADSTS7000215: x"))->next_step.find("Value") != std::string::npos);
  CHECK(remedy_for(error_with("invalid_client", "AADSTS1234567: x"))->next_step ==
        "see https://login.microsoftonline.com/error?code=1234567");
  CHECK(remedy_for(error_with("invalid_scope", "no number"))->next_step == "check scope");
  CHECK(remedy_for(error_with("not_json", "HTTP status 429")).has_value());
  CHECK(remedy_for(error_with("unauthorized_client", "The client does not exist or is not enabled for consumers."))
            ->cause == "the app is not for personal accounts");
  for (const char* name : {"no_assertion", "command_failed", "unfit_refresh_token", "server_error", "login_required",
                           "authorization_pending", "admin_policy_enforced"})
    CHECK(remedy_for(error_with(name, "")).has_value());
  CHECK_FALSE(remedy_for(error_with("something_new", "")).has_value());
  // Every number of EXCHANGE 4.
  for (const unsigned number :
       {50001U,   500011U,  50011U,   50012U,   50020U,   500208U,  50027U, 50034U,   50053U,   50055U,   50144U,
        50057U,   50059U,   50128U,   50072U,   50074U,   50076U,   50079U, 50078U,   50089U,   50097U,   53000U,
        53001U,   50105U,   50126U,   50131U,   50158U,   50132U,   50133U, 50173U,   50194U,   50196U,   50199U,
        53003U,   53011U,   530032U,  530034U,  530035U,  54005U,   65001U, 65004U,   65005U,   650056U,  650057U,
        650052U,  70000U,   700016U,  70001U,   7000112U, 7000215U, 70002U, 7000218U, 7000222U, 7000229U, 700025U,
        700027U,  700024U,  700022U,  70011U,   70008U,   700082U,  70016U, 70018U,   70019U,   70021U,   700211U,
        700212U,  700213U,  7002138U, 7002137U, 70043U,   700005U,  90002U, 90013U,   90014U,   900144U,  9001023U,
        9002313U, 9002332U, 9002331U, 90006U,   90012U,   90024U,   90033U, 90038U,   900432U,  90055U,   90072U,
        90094U,   90095U,   900971U,  901002U,  1000031U}) {
    CAPTURE(number);
    const auto remedy = remedy_for(error_with("", "AADSTS" + std::to_string(number) + ": x"));
    REQUIRE(remedy.has_value());
    CHECK(remedy->next_step.find("error?code=") == std::string::npos);
  }
}

TEST_CASE("a mail server's refusal is recognised by its words") {
  struct Row {
    std::string words;
    std::string cause;  // empty: unknown
  };
  const std::vector<Row> rows = {
      {"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit ...",
       "SMTP AUTH is switched off for the tenant"},
      {"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
       "SMTP AUTH is switched off for the mailbox"},
      {"535 5.7.139 Authentication unsuccessful, the user credentials were incorrect",
       "a policy of the tenant blocks this sign-in"},
      {"535 5.7.3 Authentication unsuccessful [X 2026 08]", "the token does not open this mailbox for SMTP"},
      {"550 5.7.30 Basic authentication is not supported for Client Submission.",
       "a password was used where only OAuth works"},
      {"A01 NO AUTHENTICATE failed.", "the token does not open this mailbox by IMAP"},
      {"-ERR Authentication failure: unknown user name or bad password.",
       "the token does not open this mailbox by POP3"},
      {"A1 BAD User is authenticated but not connected.", "the login counts, but the mailbox does not open"},
      {"432 4.3.2 Concurrent connections limit exceeded", "more than three connections at once to this mailbox"},
      {"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", "the token does not open this mailbox"},
      {"BAD Invalid SASL argument", "the server could not read the login"},
      {"555-5.5.2 Syntax error, command line too long",
       "the server could not read the login, as when a token is too long"},
      {"NO [LIMIT] Rate limit hit", "too many connections to this mailbox"},
      {"535-5.7.8 Username and Password not accepted", "the token does not open this mailbox"},
      {"certificate of mail.example: hostname mismatch", "the mail server's certificate is not trusted"},
      {"something else", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.words);
    const auto remedy = remedy_for(row.words);
    CHECK((remedy ? remedy->cause : "") == row.cause);
  }
}

TEST_CASE("FAULTS 53: what a client is told is one line of ASCII that names the next step and no more") {
  const std::string hostile = "of\r\nfice\x7F\xC3\xA4" + std::string(300, 'x');
  for (int i = 0; i < login_failure_count; ++i) {
    const auto failure = static_cast<LoginFailure>(i);
    CAPTURE(name_of(failure));
    for (const std::string& words : {std::string(), std::string("535 5.7.3 canary-words"), hostile}) {
      const std::string sentence = sentence_for(
          failure, {.identity = hostile, .host = hostile, .protocol = config::Protocol::smtp, .server_words = words});
      CHECK(sentence.size() <= 200);
      CHECK(sentence.empty() == (failure == LoginFailure::bad_credentials));
      CHECK(sentence.find("canary") == std::string::npos);
      for (const char c : sentence) CHECK((c >= 0x20 && c <= 0x7E));
    }
  }
}

TEST_CASE("sentences in the words an office manager can pass on") {
  const SentenceSubject subject{
      .identity = "office", .host = "smtp.example", .protocol = config::Protocol::smtp, .server_words = ""};
  CHECK(sentence_for(LoginFailure::identity_refused, subject) ==
        "The app identity 'office' was refused by its provider; ask your administrator");
  CHECK(sentence_for(LoginFailure::sign_in_needed, subject) ==
        "The app identity 'office' needs a new sign-in; ask your administrator");
  CHECK(sentence_for(LoginFailure::token_unavailable, subject) ==
        "The sign-in service of app identity 'office' is unavailable; try again later");
  CHECK(sentence_for(LoginFailure::server_unreachable, subject) ==
        "The mail server smtp.example cannot be reached; try again later");
  SentenceSubject refused = subject;
  refused.server_words = "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.";
  CHECK(sentence_for(LoginFailure::identity_refused, refused) ==
        "Sending by SMTP is switched off for this mailbox; ask your administrator");
  refused.server_words = "535 5.7.3 no";
  CHECK(sentence_for(LoginFailure::identity_refused, refused) ==
        "The mail server does not let the app identity 'office' open this mailbox by SMTP; ask your administrator");
}
