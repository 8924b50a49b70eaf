#include "config/document.h"

// A precondition the library breaks on hostile text must neither abort nor, with NDEBUG, be taken for granted.
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? void() : saslift::config::refuse_precondition())
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
namespace saslift::config {
struct BrokenPrecondition {};
[[noreturn]] static void refuse_precondition() { throw BrokenPrecondition(); }
}  // namespace saslift::config

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "config/shape_guard.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

Position position_of(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

Table converted(const toml::table& table);

Value converted(const toml::node& node) {
  Value value{UnwantedKind{"a float"}, position_of(node.source())};
  if (const auto* text = node.as_string()) {
    value.what = text->get();
  } else if (const auto* number = node.as_integer()) {
    value.what = number->get();
  } else if (const auto* truth = node.as_boolean()) {
    value.what = truth->get();
  } else if (const auto* table = node.as_table()) {
    value.what = converted(*table);
  } else if (const auto* array = node.as_array()) {
    Array items;
    for (const toml::node& item : *array) items.items.push_back(converted(item));
    value.what = std::move(items);
  } else if (const auto* date = node.as_date()) {
    const toml::date& day = date->get();
    value.what = Date(std::chrono::year(day.year), std::chrono::month(day.month), std::chrono::day(day.day));
  } else if (!node.is_floating_point()) {
    value.what = UnwantedKind{"a time"};
  }
  return value;
}

Table converted(const toml::table& table) {
  Table result;
  for (const auto& [key, node] : table) {
    result.entries.push_back({std::string(key.str()), position_of(key.source()), converted(node)});
  }
  std::ranges::stable_sort(result.entries, {},
                           [](const Entry& entry) { return std::tuple(entry.at.line, entry.at.column); });
  return result;
}

std::string_view line_of(std::string_view text, unsigned number) {
  while (--number > 0) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// Somebody wrote [account.scans@contoso.com]: the most likely slip of all.
std::optional<std::string> header_advice(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t["), line.size()));
  for (const std::string_view section : {"account", "identity", "provider"}) {
    if (!line.starts_with(section) || line.substr(section.size(), 1) != ".") continue;
    std::string_view name = line.substr(section.size() + 1);
    name = name.substr(0, name.find_first_of("]\r#"));
    if (is_plain_name(name)) return std::nullopt;
    return advice_on_name(section, name);
  }
  return std::nullopt;
}

// The library's own words quote what it read, which may be a secret that lost its quotation marks. Only those
// about a key that stands twice are taken.
SyntaxError explained(const toml::parse_error& error, std::string_view text) {
  const Position at = position_of(error.source());
  const std::string_view line = line_of(text, at.line);
  const auto first = std::min(line.find_first_not_of(" \t"), line.size());
  const std::string_view description = error.description();
  if (const auto found = description.find("cannot redefine"); found != std::string_view::npos) {
    std::string what(description.substr(found, 128));
    std::ranges::replace_if(what, [](char c) { return has_control_character({&c, 1}); }, '?');
    return {at, fmt::format("not valid TOML: {}; each may stand once", what)};
  }
  if (line.substr(first, 1) == "[") {
    const Position header{at.line, static_cast<unsigned>(first + 1)};
    return {header, header_advice(line).value_or("not valid TOML: a section reads [service], [account.NAME] or "
                                                 "[[listener]], alone on its line")};
  }
  if (line.substr(first, at.column).find('=', 1) != std::string_view::npos) {
    return {at,
            "not valid TOML: the value cannot be read; text stands in quotes on one line, key = \"text\", and a "
            "'\\' in it is written twice"};
  }
  return {at, "not valid TOML: a line is [section], key = value, or # comment"};
}

}  // namespace

std::string_view kind_of(const Value& value) {
  struct Namer {
    std::string_view operator()(const std::string&) const { return "text"; }
    std::string_view operator()(std::int64_t) const { return "a number"; }
    std::string_view operator()(bool) const { return "true or false"; }
    std::string_view operator()(const Date&) const { return "a date"; }
    std::string_view operator()(const Array&) const { return "a list"; }
    std::string_view operator()(const Table&) const { return "a table"; }
    std::string_view operator()(const UnwantedKind& kind) const { return kind.name; }
  };
  return std::visit(Namer{}, value.what);
}

const Entry* find(const Table& table, std::string_view key) {
  const auto found = std::ranges::find(table.entries, key, &Entry::key);
  return found == table.entries.end() ? nullptr : &*found;
}

std::expected<Table, SyntaxError> parse_document(std::string_view text) {
  if (auto refused = beyond_bounds(text)) return std::unexpected(*std::move(refused));
  try {
    return converted(static_cast<const toml::table&>(toml::parse(text)));
  } catch (const toml::parse_error& error) {
    return std::unexpected(explained(error, text));
  } catch (const BrokenPrecondition&) {
    return std::unexpected(SyntaxError{{}, "not valid TOML"});
  }
}

}  // namespace saslift::config
