#include "auth/password_encoding.h"

#include "catch.h"

using namespace saslift;
using namespace saslift::auth;

namespace {

std::string other_of(const std::string& password) {
  const auto other = in_other_encoding(config::Secret(password));
  return other ? std::string(other->reveal()) : "none";
}

}  // namespace

TEST_CASE("a password beyond ASCII has a twin in the other of Latin-1 and UTF-8") {
  CHECK(other_of("M\xFCnchen") == "M\xC3\xBCnchen");
  CHECK(other_of("M\xC3\xBCnchen") == "M\xFCnchen");
  CHECK(other_of("\xC2\x80\xC3\xBF") == "\x80\xFF");
  CHECK(other_of("\xFF") == "\xC3\xBF");
  CHECK(other_of("\xC3") == "\xC3\x83");          // cut off: Latin-1 after all
  CHECK(other_of("\xC3\x28") == "\xC3\x83\x28");  // no trail byte behind it
  CHECK(other_of("") == "none");
  CHECK(other_of("Sesame7 ~\x7F") == "none");
  CHECK(other_of("\xE2\x82\xAC") == "none");  // the euro sign is not in Latin-1
  for (int byte = 0x80; byte <= 0xFF; ++byte) {
    const std::string latin1(1, static_cast<char>(byte));
    CHECK(other_of(other_of(latin1)) == latin1);
  }
}
