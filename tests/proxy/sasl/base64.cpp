#include "proxy/sasl/base64.h"

#include <string>

#include "catch.h"

using namespace std::string_literals;
namespace sasl = saslift::proxy::sasl;

TEST_CASE("base64 of RFC 4648 section 10, both ways") {
  struct Row {
    std::string bytes, text;
  };
  const Row rows[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"foob", "Zm9vYg=="},
                      {"fooba", "Zm9vYmE="},
                      {"foobar", "Zm9vYmFy"},
                      {"\0\xff\xfe"s, "AP/+"}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(sasl::encode_base64(row.bytes) == row.text);
    const auto decoded = sasl::decode_base64(row.text);
    REQUIRE(decoded);
    CHECK(std::string(decoded->reveal()) == row.bytes);
  }
}

TEST_CASE("every byte survives base64") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto decoded = sasl::decode_base64(sasl::encode_base64(all));
  REQUIRE(decoded);
  CHECK((std::string(decoded->reveal()) == all));
}

TEST_CASE("FAULTS 16: what is not base64 is refused") {
  const std::string rows[] = {"=",      "Z",     "Zg",    "Zg=",  "Zg===", "Zm9v=",   "Zg==Zg==", "=Zg=",
                              "Zm9v\r", "Zm 9v", "Zm9v!", "****", "Zm-_",  "Zm9v\0"s, "Zh==",     "\xc3\xa9\xc3\xa9"};
  for (const auto& row : rows) {
    CAPTURE(row);
    CHECK_FALSE(sasl::decode_base64(row));
  }
}

TEST_CASE("FAULTS 16: of all bytes only the 64 of the alphabet are letters") {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char letter = static_cast<char>(byte);
    const bool expected = alphabet.find(letter) != std::string::npos;
    CHECK(sasl::decode_base64("Zm9"s + letter).has_value() == expected);
    CHECK(sasl::decode_base64("Z"s + letter + "9v").has_value() == expected);
  }
}
