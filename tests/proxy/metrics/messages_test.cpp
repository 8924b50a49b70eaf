#include "proxy/metrics/messages.h"

#include <string>

#include "catch.h"

using namespace saslift;
using namespace saslift::proxy::metrics;

namespace {

std::string body_of(const config::Secret& frame) { return std::string(frame.reveal().substr(4)); }

}  // namespace

TEST_CASE("questions come back as they went in, and nothing else is one") {
  for (int number = 0; number < question_count; ++number) {
    CHECK(decode_question(body_of(encode(static_cast<Question>(number)))) == static_cast<Question>(number));
  }
  for (const std::string& wrong : {std::string(), std::string(".\x7f\0", 3), std::string(".\x04\0", 3),
                                   std::string("+\0\0", 3), std::string(".\0\0x", 4), std::string(".\xff\0", 3)}) {
    CHECK_FALSE(decode_question(wrong));
  }
}

TEST_CASE("an answer of any length is put together again") {
  for (const std::size_t size : {0U, 1U, 32U * 1024U, 32U * 1024U + 1U, 200U * 1024U}) {
    CAPTURE(size);
    const Answer sent{Question::openmetrics, Verdict::bad, std::string(size, 'm')};
    AnswerReader reader;
    std::optional<Answer> got;
    for (const auto& frame : encode(sent)) {
      REQUIRE_FALSE(got);
      REQUIRE(frame.size() <= 64U * 1024U);
      auto answer = reader.receive(body_of(frame));
      REQUIRE(answer);
      got = std::move(*answer);
    }
    REQUIRE(got);
    CHECK(got->question == sent.question);
    CHECK(got->verdict == sent.verdict);
    CHECK(got->text == sent.text);
  }
  CHECK_FALSE(AnswerReader().receive("x"));
  CHECK_FALSE(AnswerReader().receive(std::string(".\x09\0", 3)));
}
