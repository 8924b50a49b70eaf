#include "catch.h"
#include "proxy/imap/client_side.h"
#include "proxy/imap/farewell.h"
#include "proxy/imap/grammar.h"
#include "script.h"

namespace saslift::proxy::imap {
namespace {

TEST_CASE("FAULTS 8: literals at the end of a line", "[imap]") {
  struct Row {
    std::string_view line;
    std::optional<std::size_t> size;
    LiteralKind kind = LiteralKind::synchronizing;
  };
  const Row rows[] = {
      {"a LOGIN {7}", 7},
      {"a LOGIN {7+}", 7, LiteralKind::non_synchronizing},
      {"{0}", 0},
      {"{007}", 7},
      {"{4294967295}", 4294967295},
      {"{4294967296}", 4294967295},
      {"{99999999999999999999999999}", 4294967295},
      {"{99999999999999999999+}", 4294967295, LiteralKind::non_synchronizing},
      {"{-1}", std::nullopt},
      {"{+1}", std::nullopt},
      {"{}", std::nullopt},
      {"{+}", std::nullopt},
      {"{1 }", std::nullopt},
      {"{1++}", std::nullopt},
      {"{1-}", std::nullopt},
      {"{0x10}", std::nullopt},
      {"{1", std::nullopt},
      {"1}", std::nullopt},
      {"{1} ", std::nullopt},
      {"\"{1}\"", std::nullopt},
      {"{{1}", 1},
      {"", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    const auto literal = announced_literal(row.line);
    REQUIRE(literal.has_value() == row.size.has_value());
    if (!literal) continue;
    CHECK(literal->size == *row.size);
    CHECK(literal->kind == row.kind);
  }
}

// The password and login of the attempt that these bytes lead to; "none" where they lead to none.
std::pair<std::string, std::string> attempted(const std::string& bytes) {
  const auto dialogue = make_client_side({});
  for (auto& action : dialogue->receive(bytes)) {
    if (auto* attempt = std::get_if<AttemptLogin>(&action)) {
      return {attempt->login, std::string(attempt->password.reveal())};
    }
  }
  return {"none", "none"};
}

std::string literal(const std::string& bytes) { return "{" + std::to_string(bytes.size()) + "+}\r\n" + bytes; }

std::string quoted(const std::string& bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

TEST_CASE("FAULTS 13, 14: every byte in login and password reaches the keeper as it was sent", "[imap]") {
  for (int value = 0; value < 256; ++value) {
    CAPTURE(value);
    const char byte = static_cast<char>(value);
    const std::string login = std::string("scan") + byte + "ner";
    const std::string password = std::string("Ses") + byte + "ame7" + byte;
    const std::pair expected{login, password};
    CHECK(attempted("a LOGIN " + literal(login) + " " + literal(password) + "\r\n") == expected);
    CHECK(attempted("a AUTHENTICATE LOGIN\r\n" + dialogues::base64(login) + "\r\n" + dialogues::base64(password) +
                    "\r\n") == expected);
    // Quoted, there is no way to write a line's end.
    if (byte != '\n') CHECK(attempted("a LOGIN " + quoted(login) + " " + quoted(password) + "\r\n") == expected);
    // RFC 4616: NUL ends the login, but the password may hold it.
    const std::string plain_login = byte == '\0' ? "scanner" : login;
    CHECK(attempted("a AUTHENTICATE PLAIN " + dialogues::base64(std::string(1, '\0') + plain_login + '\0' + password) +
                    "\r\n") == std::pair{plain_login, password});
  }
}

TEST_CASE("IMAP farewell: spoken between responses and in IDLE, not while the client is to send", "[imap]") {
  for (const std::string_view moment : {"", "a1 OK done\r\n", "* 3 EXISTS\r\n", "x\r\n+ idling\r\n",
                                        "+ IDLE accepted\r\n", "+ Waiting for DONE, idling\r\n* 4 EXISTS\r\n"}) {
    CAPTURE(moment);
    const auto words = farewell(moment, Parting::shutting_down);
    REQUIRE(words);
    CHECK(words->starts_with("* BYE "));
    CHECK(words->ends_with("\r\n"));
  }
  for (const std::string_view busy :
       {"* 1 FETCH (BODY[] {100}\r\nhalf a mess", "* 1 FETCH (BODY[] {100}\r\nSubject: whole\r\n",
        "+ Ready for literal data\r\n", "+ \r\n", "+\r\n", "a1 OK\n", "a1 OK IDLE done\r\n+ OK\r\n"}) {
    CAPTURE(busy);
    CHECK_FALSE(farewell(busy, Parting::ended_by_operator));
  }
}

}  // namespace
}  // namespace saslift::proxy::imap
