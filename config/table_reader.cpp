#include "config/table_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/suggestions.h"
#include "config/text_forms.h"

namespace saslift::config {

const Entry* TableReader::take(std::string_view key) {
  known_.emplace_back(key);
  return find(table_, key);
}

Position TableReader::at(std::string_view key) const {
  const Entry* entry = find(table_, key);
  return entry == nullptr ? at_ : entry->value.at;
}

void TableReader::wrong_kind(const Entry& entry, std::string_view wanted) {
  problems_.error(entry.value.at, fmt::format("'{}' is {}, but should be {}", entry.key, kind_of(entry.value), wanted));
}

bool TableReader::acceptable(std::string_view key, const std::string& text, Position at, Lines lines) {
  if (text.empty()) {
    problems_.error(at, fmt::format("'{}' is empty; fill it in or leave the line out", key));
    return false;
  }
  if (lines == Lines::one && has_control_character(text)) {
    problems_.error(at, fmt::format("'{}' has a control character or a line break; take it out", key));
    return false;
  }
  return true;
}

std::optional<Placed<std::string>> TableReader::text(std::string_view key, Lines lines) {
  const Entry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  const auto* text = std::get_if<std::string>(&entry->value.what);
  if (text == nullptr) {
    wrong_kind(*entry, fmt::format("text in quotes: {} = \"...\"", key));
    return std::nullopt;
  }
  if (!acceptable(key, *text, entry->value.at, lines)) return std::nullopt;
  return Placed<std::string>{*text, entry->value.at};
}

std::optional<Placed<std::string>> TableReader::needed_text(std::string_view key, std::string_view remedy) {
  if (!has(key)) problems_.error(at_, fmt::format("{} has no '{}'; {}", name_, key, remedy));
  return text(key);
}

std::optional<std::vector<Placed<std::string>>> TableReader::list(const Entry& entry) {
  const auto* array = std::get_if<Array>(&entry.value.what);
  if (array == nullptr) {
    wrong_kind(entry, fmt::format("a list of text: {} = [\"...\", \"...\"]", entry.key));
    return std::nullopt;
  }
  if (array->items.empty()) {
    problems_.error(entry.value.at, fmt::format("'{}' is empty; fill it in or leave the line out", entry.key));
    return std::nullopt;
  }
  std::vector<Placed<std::string>> texts;
  for (const Value& item : array->items) {
    const auto* text = std::get_if<std::string>(&item.what);
    if (text == nullptr) {
      problems_.error(item.at, fmt::format("'{}' lists {}, but should list text in quotes", entry.key, kind_of(item)));
    } else if (acceptable(entry.key, *text, item.at, Lines::one)) {
      texts.push_back({*text, item.at});
    }
  }
  return texts.size() == array->items.size() ? std::optional(std::move(texts)) : std::nullopt;
}

std::optional<std::vector<Placed<std::string>>> TableReader::texts(std::string_view key) {
  const Entry* entry = take(key);
  return entry == nullptr ? std::nullopt : list(*entry);
}

std::optional<std::vector<Placed<std::string>>> TableReader::one_or_many(std::string_view key) {
  const Entry* entry = find(table_, key);
  if (entry != nullptr && std::holds_alternative<Array>(entry->value.what)) return texts(key);
  auto one = text(key);
  if (!one) return std::nullopt;
  return std::vector{*std::move(one)};
}

std::optional<Placed<std::int64_t>> TableReader::integer(std::string_view key, IntegerRange range) {
  const Entry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(&entry->value.what);
  if (number == nullptr) {
    wrong_kind(*entry, "a whole number without quotes");
    return std::nullopt;
  }
  if (*number < range.least || *number > range.most) {
    problems_.error(entry->value.at, fmt::format("'{}' should be between {} and {}", key, range.least, range.most));
    return std::nullopt;
  }
  return Placed<std::int64_t>{*number, entry->value.at};
}

std::optional<Placed<bool>> TableReader::boolean(std::string_view key) {
  const Entry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  const auto* truth = std::get_if<bool>(&entry->value.what);
  if (truth == nullptr) {
    wrong_kind(*entry, "true or false, without quotes");
    return std::nullopt;
  }
  return Placed<bool>{*truth, entry->value.at};
}

std::optional<Placed<std::chrono::milliseconds>> TableReader::duration(std::string_view key, DurationRange range) {
  const Entry* entry = find(table_, key);
  if (entry != nullptr && std::holds_alternative<std::int64_t>(entry->value.what)) {
    known_.emplace_back(key);
    wrong_kind(*entry, fmt::format("a time with its unit: {} = \"25s\" (ms, s, m, h)", key));
    return std::nullopt;
  }
  const auto written = text(key);
  if (!written) return std::nullopt;
  const auto duration = parse_duration(written->value);
  if (!duration) {
    problems_.error(written->at,
                    fmt::format("'{}' should be a whole number with its unit: {} = \"25s\" (ms, s, m, h)", key, key));
    return std::nullopt;
  }
  if (*duration < range.least || *duration > range.most) {
    problems_.error(written->at, fmt::format("'{}' should be {}", key, range.in_words));
    return std::nullopt;
  }
  return Placed<std::chrono::milliseconds>{*duration, written->at};
}

std::optional<Placed<Date>> TableReader::date(std::string_view key) {
  const Entry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  const auto* day = std::get_if<Date>(&entry->value.what);
  if (day == nullptr) {
    wrong_kind(*entry, fmt::format("a date without quotes: {} = 2027-03-31", key));
    return std::nullopt;
  }
  return Placed<Date>{*day, entry->value.at};
}

const Entry* TableReader::table(std::string_view key) {
  const Entry* entry = take(key);
  if (entry == nullptr) return nullptr;
  if (std::holds_alternative<Table>(entry->value.what)) return entry;
  wrong_kind(*entry, "a table");
  return nullptr;
}

void TableReader::refuse_choice(std::string_view key, const Placed<std::string>& written,
                                const std::vector<std::string>& words) {
  problems_.error(written.at, fmt::format("'{}' cannot be {}; it is one of: {}{}", key, in_quotes(written.value),
                                          fmt::join(words, ", "), did_you_mean(written.value, words)));
}

void TableReader::not_supported_yet(std::string_view key) {
  const Entry* entry = take(key);
  if (entry == nullptr) return;
  problems_.error(entry->at, fmt::format("'{}' is not supported in this version; take it out", key));
}

void TableReader::pass_over(std::string_view key) {
  std::erase(known_, key);
  passed_over_.emplace_back(key);
}

void TableReader::finish() {
  for (const Entry& entry : table_.entries) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    if (std::ranges::find(passed_over_, entry.key) != passed_over_.end()) continue;
    std::string text = fmt::format("unknown key {} in {}", in_quotes(entry.key), name_);
    const std::string suggestion = did_you_mean(entry.key, known_);
    text += suggestion.empty() ? fmt::format("; its keys are: {}", fmt::join(known_, ", ")) : suggestion;
    problems_.error(entry.at, std::move(text));
  }
}

}  // namespace saslift::config
