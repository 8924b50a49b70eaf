// Between the keeper and its metrics process: a question of one word, an answer in as many frames as it takes.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.h"

namespace saslift::proxy::metrics {

enum class Question : std::uint8_t { health, readiness, prometheus, openmetrics };
inline constexpr int question_count = 4;

enum class Verdict : std::uint8_t { good, bad };  // 200 or 503
struct Answer {
  Question question = Question::health;
  Verdict verdict = Verdict::good;
  std::string text;
};

// Whole frames, as net::FramePipe sends them.
[[nodiscard]] config::Secret encode(Question question);
[[nodiscard]] std::vector<config::Secret> encode(const Answer& answer);

[[nodiscard]] std::optional<Question> decode_question(std::string_view frame);

// Puts an answer together again.
class AnswerReader {
 public:
  enum class Fault { malformed };
  // nullopt: more is to come.
  [[nodiscard]] std::expected<std::optional<Answer>, Fault> receive(std::string_view frame);

 private:
  std::string text_;
};

}  // namespace saslift::proxy::metrics
