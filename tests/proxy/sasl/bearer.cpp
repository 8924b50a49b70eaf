#include "proxy/sasl/bearer.h"

#include <string>

#include "catch.h"
#include "proxy/sasl/base64.h"

using namespace std::string_literals;
namespace sasl = saslift::proxy::sasl;
using saslift::config::Mechanism;
using saslift::config::Secret;
using saslift::proxy::ServerLogin;

namespace {

ServerLogin login_of(std::string mailbox, Mechanism mechanism) {
  ServerLogin login;
  login.mailbox = std::move(mailbox);
  login.access_token = Secret("EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA");
  login.mechanism = mechanism;
  login.host = "mail.example.com";
  login.port = 993;
  return login;
}

}  // namespace

TEST_CASE("XOAUTH2's initial response is Microsoft's test vector") {
  CHECK(sasl::initial_response(login_of("test@contoso.onmicrosoft.com", Mechanism::xoauth2)) ==
        "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0"
        "VvQUEBAQ==");
}

TEST_CASE("OAUTHBEARER's initial response, its name escaped") {
  const auto base64 = sasl::initial_response(login_of("a,b=c@example.com", Mechanism::oauthbearer));
  const auto decoded = sasl::decode_base64(base64);
  REQUIRE(decoded);
  CHECK(std::string(decoded->reveal()) ==
        "n,a=a=2Cb=3Dc@example.com,\x01host=mail.example.com\x01port=993\x01"
        "auth=Bearer EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA\x01\x01");
}

TEST_CASE("mechanisms: name and answer to an error challenge") {
  CHECK(sasl::name_of(Mechanism::xoauth2) == "XOAUTH2");
  CHECK(sasl::name_of(Mechanism::oauthbearer) == "OAUTHBEARER");
  CHECK(sasl::error_answer(Mechanism::xoauth2).empty());
  CHECK(sasl::error_answer(Mechanism::oauthbearer) == "AQ==");
}

TEST_CASE("FAULTS 21: the status of an error challenge") {
  struct Row {
    std::string json;
    int status;
  };
  const Row rows[] = {
      {R"({"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"})", 400},
      {R"({"status":401})", 401},
      {R"({"status":"invalid_token"})", 0},
      {R"({"status":"400x"})", 0},
      {R"({"status":99999999999999999999})", 0},
      {R"({"status":-1})", 0},
      {R"({"status":4})", 0},
      {R"({"status":null})", 0},
      {R"({"scope":"x"})", 0},
      {R"(["status"])", 0},
      {R"({"status":"400")", 0},
      {"", 0},
      {std::string(9000, '['), 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.json);
    CHECK(sasl::status_of_challenge(sasl::encode_base64(row.json)) == row.status);
  }
  CHECK(
      sasl::status_of_challenge("eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLm"
                                "NvbS8ifQ==") == 400);
  CHECK(sasl::status_of_challenge("not base64") == 0);
  CHECK(sasl::status_of_challenge(sasl::encode_base64(R"({"status":"400"})" + std::string(20'000, ' '))) == 0);
}
