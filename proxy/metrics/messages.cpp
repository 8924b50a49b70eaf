#include "proxy/metrics/messages.h"

#include <algorithm>
#include <utility>

namespace saslift::proxy::metrics {
namespace {

constexpr char more_follows = '+';
constexpr char last_part = '.';
constexpr std::size_t head_size = 3;  // part, question, verdict
constexpr std::size_t largest_part = 32 * 1024;
constexpr std::size_t most_text = 16 * 1024 * 1024;

config::Secret framed(std::string_view body) {
  std::string frame;
  for (std::size_t i = 0, size = body.size(); i < 4; ++i, size >>= 8U) frame += static_cast<char>(size & 0xFFU);
  frame += body;
  return config::Secret(frame);
}

std::optional<Question> question_of(char number) {
  if (number < 0 || number >= question_count) return std::nullopt;
  return static_cast<Question>(number);
}

}  // namespace

config::Secret encode(Question question) {
  return framed(std::string{last_part, static_cast<char>(question), static_cast<char>(Verdict::good)});
}

std::vector<config::Secret> encode(const Answer& answer) {
  std::vector<config::Secret> frames;
  std::string_view rest = answer.text;
  do {
    const std::string_view part = rest.substr(0, largest_part);
    rest.remove_prefix(part.size());
    std::string body{rest.empty() ? last_part : more_follows, static_cast<char>(answer.question),
                     static_cast<char>(answer.verdict)};
    frames.push_back(framed(body.append(part)));
  } while (!rest.empty());
  return frames;
}

std::optional<Question> decode_question(std::string_view frame) {
  if (frame.size() != head_size || frame[0] != last_part) return std::nullopt;
  return question_of(frame[1]);
}

std::expected<std::optional<Answer>, AnswerReader::Fault> AnswerReader::receive(std::string_view frame) {
  if (frame.size() < head_size || text_.size() + frame.size() > most_text) return std::unexpected(Fault::malformed);
  const auto question = question_of(frame[1]);
  const bool is_last = frame[0] == last_part;
  if (!question || (!is_last && frame[0] != more_follows)) return std::unexpected(Fault::malformed);
  text_ += frame.substr(head_size);
  if (!is_last) return std::nullopt;
  return Answer{*question, frame[2] == static_cast<char>(Verdict::good) ? Verdict::good : Verdict::bad,
                std::exchange(text_, {})};
}

}  // namespace saslift::proxy::metrics
