// What the three client sides share: foreign protocols, patience, the words of a failure, names.
#include <set>
#include <string>

#include "catch.h"
#include "proxy/dialogue/failure_words.h"
#include "proxy/dialogue/foreign_protocol.h"
#include "proxy/dialogue/patience.h"
#include "proxy/dialogue/server_side.h"

namespace saslift::proxy {
namespace {

TEST_CASE("FAULTS 25: foreign protocols are known, mail commands are not taken for them") {
  for (const std::string_view foreign :
       {"\x16", "\x16\x03\x01", "SSH-", "SSH-2.0-OpenSSH_9.2\r\n", "GET / HTTP/1.1\r\n", "POST /x y HTTP/1.0\n",
        "PRI * HTTP/2.0\r\n", "CONNECT a:443 HTTP/1.1\r\nx"}) {
    CAPTURE(foreign);
    CHECK(is_foreign_protocol(foreign));
  }
  for (const std::string_view mail : {"", "a1 LOGIN x y\r\n", "GET / HTTP/1.1", "GET LOGIN x HTTP\r\n", "SSH",
                                      "EHLO x\r\n", "USER HTTP/1.1\r\n", "a1 LOGIN x HTTP/1.1\r\n", "\x17\x03"}) {
    CAPTURE(mail);
    CHECK_FALSE(is_foreign_protocol(mail));
  }
}

TEST_CASE("patience ends with the third, each kind counted by itself") {
  Patience patience;
  CHECK(patience.after_bad_command() == Verdict::go_on);
  CHECK(patience.after_failed_login() == Verdict::go_on);
  CHECK(patience.after_bad_command() == Verdict::go_on);
  CHECK(patience.after_failed_login() == Verdict::go_on);
  CHECK(patience.after_bad_command() == Verdict::close);
  CHECK(patience.after_failed_login() == Verdict::close);
}

TEST_CASE("a failure's words: the keeper's or the default, with the reference, one printable line") {
  using auth::LoginFailure;
  CHECK(failure_words(LoginFailure::timeout, "It took too long.", "7f3a") == "It took too long, reference 7f3a");
  CHECK(failure_words(LoginFailure::timeout, "It took too long", "") == "It took too long");
  CHECK(failure_words(LoginFailure::timeout, "a\r\nb\x01\xff", "7") == "a??b??, reference 7");
  std::set<std::string> defaults;
  for (int i = 0; i < auth::login_failure_count; ++i) {
    const auto words = failure_words(static_cast<LoginFailure>(i), "", "7f3a");
    CAPTURE(words);
    CHECK(words.ends_with(", reference 7f3a"));
    CHECK(words.size() < 200);  // fits an SMTP reply line of 512 bytes with any code before it
    defaults.insert(words);
  }
  CHECK(defaults.size() == static_cast<std::size_t>(auth::login_failure_count));
}

TEST_CASE("every close reason and refusal kind has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(CloseReason::dismissed); ++i)
    names.insert(name_of(static_cast<CloseReason>(i)));
  CHECK(names.size() == static_cast<std::size_t>(CloseReason::dismissed) + 1);
  names.clear();
  for (int i = 0; i <= static_cast<int>(RefusalKind::protocol); ++i) names.insert(name_of(static_cast<RefusalKind>(i)));
  CHECK(names.size() == static_cast<std::size_t>(RefusalKind::protocol) + 1);
  CHECK_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace saslift::proxy
