#include <fmt/format.h>

#include <algorithm>

#include "config/sections.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

bool is_table(const Entry& entry) { return std::holds_alternative<Table>(entry.value.what); }

// [account.office.printer] is a table in a table to TOML and a name with a dot to whoever wrote it.
void take_out_dotted(NamedTable& named, std::string_view section, const std::vector<std::string>& nested,
                     Problems& problems) {
  std::erase_if(named.table.entries, [&](const Entry& child) {
    if (!is_table(child) || std::ranges::find(nested, child.key) != nested.end()) return false;
    problems.error(child.at, fmt::format("a name has no dot: instead of [{0}.{1}.{2}] write [{0}.{3}]", section,
                                         named.name, child.key, plain_name_from(named.name + "-" + child.key)));
    return true;
  });
}

}  // namespace

std::vector<NamedTable> named_tables(const Reading& reading, std::string_view section,
                                     const std::vector<std::string>& nested) {
  std::vector<NamedTable> tables;
  const Entry* entry = find(reading.root, section);
  if (entry == nullptr) return tables;
  const auto* table = std::get_if<Table>(&entry->value.what);
  if (table == nullptr) {
    reading.problems.error(entry->at,
                           fmt::format("'{0}' is neither a list nor a value; write [{0}.NAME] for each", section));
    return tables;
  }
  const auto nameless = std::ranges::find_if_not(table->entries, is_table);
  if (nameless != table->entries.end()) {
    reading.problems.error(nameless->at, fmt::format("{} stands below no name; the table above it is [{}.NAME]",
                                                     in_quotes(nameless->key), section));
  }
  for (const Entry& child : table->entries) {
    if (!is_table(child)) continue;
    if (!is_plain_name(child.key)) {
      reading.problems.error(child.at, advice_on_name(section, child.key));
      continue;
    }
    NamedTable named{child.key, child.at, std::get<Table>(child.value.what)};
    const bool was_empty = named.table.entries.empty();
    take_out_dotted(named, section, nested, reading.problems);
    if (was_empty || !named.table.entries.empty()) tables.push_back(std::move(named));
  }
  return tables;
}

}  // namespace saslift::config
