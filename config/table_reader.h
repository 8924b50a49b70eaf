// Takes the keys of one table as the types they should have. Every key asked for counts as known; finish()
// reports the rest with a suggestion. A value of the wrong kind is reported here and read as absent.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/problems.h"

namespace saslift::config {

template <class Choice>
struct Word {
  std::string_view text;
  Choice choice;
};

enum class Lines { one, many };

struct IntegerRange {
  std::int64_t least;
  std::int64_t most;
};

struct DurationRange {
  std::chrono::milliseconds least;
  std::chrono::milliseconds most;
  std::string_view in_words;  // "between 1s and 5m"
};

class TableReader {
 public:
  // `name` as the operator knows it: "[service]". `at`: where what is missing is reported.
  TableReader(const Table& table, Position at, std::string name, Problems& problems)
      : table_(table), at_(at), name_(std::move(name)), problems_(problems) {}
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  [[nodiscard]] std::optional<Placed<std::string>> text(std::string_view key, Lines lines = Lines::one);
  // The same, and an error with this remedy where the key is missing.
  [[nodiscard]] std::optional<Placed<std::string>> needed_text(std::string_view key, std::string_view remedy);
  // A list of text; `one_or_many`: or one text alone. nullopt: absent or wrong.
  [[nodiscard]] std::optional<std::vector<Placed<std::string>>> texts(std::string_view key);
  [[nodiscard]] std::optional<std::vector<Placed<std::string>>> one_or_many(std::string_view key);
  [[nodiscard]] std::optional<Placed<std::int64_t>> integer(std::string_view key, IntegerRange range);
  [[nodiscard]] std::optional<Placed<bool>> boolean(std::string_view key);
  [[nodiscard]] std::optional<Placed<std::chrono::milliseconds>> duration(std::string_view key, DurationRange range);
  [[nodiscard]] std::optional<Placed<Date>> date(std::string_view key);
  [[nodiscard]] const Entry* table(std::string_view key);
  template <class Choice, std::size_t count>
  [[nodiscard]] std::optional<Placed<Choice>> choice(std::string_view key, const Word<Choice> (&words)[count]) {
    const auto written = text(key);
    if (!written) return std::nullopt;
    std::vector<std::string> all;
    for (const Word<Choice>& word : words) {
      if (word.text == written->value) return Placed<Choice>{word.choice, written->at};
      all.emplace_back(word.text);
    }
    refuse_choice(key, *written, all);
    return std::nullopt;
  }

  // A key that does nothing here, which the caller has told: neither unknown nor one to suggest.
  void pass_over(std::string_view key);
  // A key of the design that does nothing yet.
  void not_supported_yet(std::string_view key);
  void finish();

  [[nodiscard]] bool has(std::string_view key) const { return find(table_, key) != nullptr; }
  [[nodiscard]] Position at() const { return at_; }
  // Of the value where the key stands, else of the table.
  [[nodiscard]] Position at(std::string_view key) const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Problems& problems() { return problems_; }
  void error(Position at, std::string text) { problems_.error(at, std::move(text)); }

 private:
  [[nodiscard]] const Entry* take(std::string_view key);
  [[nodiscard]] bool acceptable(std::string_view key, const std::string& text, Position at, Lines lines);
  [[nodiscard]] std::optional<std::vector<Placed<std::string>>> list(const Entry& entry);
  void wrong_kind(const Entry& entry, std::string_view wanted);
  void refuse_choice(std::string_view key, const Placed<std::string>& written, const std::vector<std::string>& words);

  const Table& table_;
  Position at_;
  std::string name_;
  Problems& problems_;
  std::vector<std::string> known_;
  std::vector<std::string> passed_over_;
};

}  // namespace saslift::config
