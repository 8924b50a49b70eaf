#include "proxy/sasl/exchange.h"

#include <string>
#include <variant>

#include "catch.h"
#include "proxy/dialogue/client_side.h"
#include "proxy/sasl/base64.h"

using namespace std::string_literals;
namespace sasl = saslift::proxy::sasl;
using sasl::Exchange;
using sasl::ExchangeError;
using sasl::ExchangeMechanism;

namespace {

// A step as one comparable line.
std::string shown(const sasl::ExchangeStep& step) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) return "challenge:" + challenge->base64;
  if (const auto* found = std::get_if<sasl::Credentials>(&step)) {
    return found->authzid + "|" + found->login + "|" + std::string(found->password.reveal());
  }
  switch (std::get<ExchangeError>(step)) {
    case ExchangeError::bad_base64:
      return "bad_base64";
    case ExchangeError::bad_message:
      return "bad_message";
    case ExchangeError::cancelled:
      return "cancelled";
    case ExchangeError::too_long:
      return "too_long";
  }
  return "?";
}

std::string plain_of(const std::string& message) {
  Exchange exchange(ExchangeMechanism::plain);
  return shown(exchange.start(sasl::encode_base64(message)));
}

}  // namespace

TEST_CASE("mechanism names in any case, and no others") {
  CHECK(sasl::parse_mechanism("PLAIN") == ExchangeMechanism::plain);
  CHECK(sasl::parse_mechanism("plain") == ExchangeMechanism::plain);
  CHECK(sasl::parse_mechanism("Login") == ExchangeMechanism::login);
  for (const auto* name : {"", "PLAI", "PLAINS", "LOGIN ", "CRAM-MD5", "XOAUTH2", "NTLM"}) {
    CAPTURE(name);
    CHECK_FALSE(sasl::parse_mechanism(name));
  }
}

TEST_CASE("FAULTS 13 14 15: PLAIN messages") {
  struct Row {
    std::string message, expected;
  };
  const Row rows[] = {
      {"\0tim\0tanstaaftanstaaf"s, "|tim|tanstaaftanstaaf"},                  // RFC 4616 section 4
      {"Ursel\0Kurt\0xipj3plmq"s, "Ursel|Kurt|xipj3plmq"},                    // likewise: an authzid is passed on
      {"\0user@example.com\0 pass word "s, "|user@example.com| pass word "},  // spaces are kept
      {"\0DOMAIN\\user\0p"s, "|DOMAIN\\user|p"},
      {"\0tim\0a\0b"s, "|tim|a\0b"s},  // a NUL in the password is a byte like any
      {"\0tim\0"s, "|tim|"},
      {"\0\0secret"s, "||secret"},
      {"\0tim\x01user=boss\0p"s, "|tim\x01user=boss|p"},  // the keeper refuses control characters
      {"\0tim\r\nMAIL FROM:<x>\0p"s, "|tim\r\nMAIL FROM:<x>|p"},
      {"", "bad_message"},
      {"tim", "bad_message"},
      {"tim\0secret"s, "bad_message"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.message);
    CHECK((plain_of(row.message) == row.expected));
  }
}

TEST_CASE("FAULTS 13: all 256 bytes pass through as sent") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = "a"s + static_cast<char>(byte) + "b";
    CAPTURE(byte);
    CHECK((plain_of("\0tim\0"s + text) == "|tim|" + text));
    if (byte != 0) CHECK((plain_of("\0"s + text + "\0pw"s) == "|" + text + "|pw"));

    Exchange login(ExchangeMechanism::login);
    CHECK(shown(login.start(sasl::encode_base64(text))) == "challenge:UGFzc3dvcmQ6");
    CHECK((shown(login.respond(sasl::encode_base64(text))) == "|" + text + "|" + text));
  }
}

TEST_CASE("PLAIN in one step and in two") {
  const auto message = sasl::encode_base64("\0tim\0secret"s);
  CHECK(shown(Exchange(ExchangeMechanism::plain).start(message)) == "|tim|secret");
  for (const auto& start : {std::optional<std::string_view>{}, std::optional<std::string_view>{"="}}) {
    Exchange exchange(ExchangeMechanism::plain);
    CHECK(shown(exchange.start(start)) == "challenge:");
    CHECK(shown(exchange.respond(message)) == "|tim|secret");
  }
}

TEST_CASE("LOGIN with the user prompted for and inline; prompts are exact") {
  const auto user = sasl::encode_base64("tim");
  const auto password = sasl::encode_base64("secret");
  for (const auto& start : {std::optional<std::string_view>{}, std::optional<std::string_view>{"="}}) {
    Exchange exchange(ExchangeMechanism::login);
    CHECK(shown(exchange.start(start)) == "challenge:VXNlcm5hbWU6");
    CHECK(shown(exchange.respond(user)) == "challenge:UGFzc3dvcmQ6");
    CHECK(shown(exchange.respond(password)) == "|tim|secret");
  }
  Exchange exchange(ExchangeMechanism::login);
  CHECK(shown(exchange.start(user)) == "challenge:UGFzc3dvcmQ6");
  CHECK(shown(exchange.respond(password)) == "|tim|secret");
}

TEST_CASE("LOGIN takes an empty name and an empty password as answers") {
  Exchange exchange(ExchangeMechanism::login);
  CHECK(shown(exchange.start(std::nullopt)) == "challenge:VXNlcm5hbWU6");
  CHECK(shown(exchange.respond("")) == "challenge:UGFzc3dvcmQ6");
  CHECK(shown(exchange.respond("")) == "||");
}

TEST_CASE("FAULTS 16: cancelling and bad base64 at every step") {
  struct Row {
    std::string line, expected;
  };
  const Row rows[] = {{"*", "cancelled"},          {"* ", "cancelled"},    {"=", "bad_base64"},
                      {"**", "bad_base64"},        {"a", "bad_base64"},    {"dGlt=", "bad_base64"},
                      {"dGlt dGlt", "bad_base64"}, {" dGlt", "bad_base64"}};
  for (const auto& row : rows) {
    CAPTURE(row.line);
    Exchange plain(ExchangeMechanism::plain);
    CHECK(shown(plain.start(std::nullopt)) == "challenge:");
    CHECK(shown(plain.respond(row.line)) == row.expected);
    if (row.line != "=") CHECK(shown(Exchange(ExchangeMechanism::plain).start(row.line)) == row.expected);

    Exchange first(ExchangeMechanism::login);
    CHECK(shown(first.start(std::nullopt)) == "challenge:VXNlcm5hbWU6");
    CHECK(shown(first.respond(row.line)) == row.expected);

    Exchange second(ExchangeMechanism::login);
    CHECK(shown(second.start("dGlt")) == "challenge:UGFzc3dvcmQ6");
    CHECK(shown(second.respond(row.line)) == row.expected);
  }
}

TEST_CASE("trailing white space behind a response is ignored") {
  Exchange exchange(ExchangeMechanism::login);
  CHECK(shown(exchange.start("dGlt ")) == "challenge:UGFzc3dvcmQ6");
  CHECK(shown(exchange.respond("c2VjcmV0\t ")) == "|tim|secret");
}

TEST_CASE("FAULTS 17: a response of 12 KiB is taken, a longer one refused") {
  const std::string fits(saslift::proxy::longest_sasl_response, 'A');
  for (const auto mechanism : {ExchangeMechanism::plain, ExchangeMechanism::login}) {
    Exchange exchange(mechanism);
    CHECK(shown(exchange.start(fits)) != "too_long");
    CHECK(shown(Exchange(mechanism).start(fits + "AAAA")) == "too_long");
    CHECK(shown(Exchange(mechanism).respond(fits + "A")) == "too_long");
  }
}
