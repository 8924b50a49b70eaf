// A TOML file as a tree with the place of every key and value. Hides the TOML library from the rest of the
// loader, and refuses before the library sees it what could exhaust it (FAULTS 82).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace saslift::config {

// From 1; columns count characters. Line 0: the file as a whole.
struct Position {
  unsigned line = 0;
  unsigned column = 0;
};

template <class T>
struct Placed {
  T value{};
  Position at;
};

struct Value;
struct Entry;

// In the order of the file.
struct Table {
  std::vector<Entry> entries;
};
struct Array {
  std::vector<Value> items;
};
using Date = std::chrono::year_month_day;
// Floats, and dates with a time: no key takes one.
struct UnwantedKind {
  std::string_view name;
};

struct Value {
  std::variant<std::string, std::int64_t, bool, Date, Array, Table, UnwantedKind> what;
  Position at;
};

struct Entry {
  std::string key;
  Position at;  // of the key
  Value value;
};

// "text", "a number", "a list": for messages.
[[nodiscard]] std::string_view kind_of(const Value& value);
[[nodiscard]] const Entry* find(const Table& table, std::string_view key);

struct SyntaxError {
  Position at;
  std::string text;
};

[[nodiscard]] std::expected<Table, SyntaxError> parse_document(std::string_view text);

}  // namespace saslift::config
