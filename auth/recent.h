// A table that strangers fill: at most so many entries, the one that was touched least lately goes first.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace saslift::auth {

template <class Value>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : capacity_(capacity) {}
  Recent(const Recent&) = delete;
  Recent& operator=(const Recent&) = delete;

  // Found or made. Valid until the next touch().
  Value& touch(std::string_view key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      by_age_.splice(by_age_.end(), by_age_, found->second);
      return found->second->second;
    }
    if (by_age_.size() >= capacity_) {
      by_key_.erase(by_age_.front().first);
      by_age_.pop_front();
    }
    by_age_.emplace_back(std::string(key), Value{});
    by_key_.emplace(by_age_.back().first, std::prev(by_age_.end()));
    return by_age_.back().second;
  }

  [[nodiscard]] const Value* find(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found != by_key_.end() ? &found->second->second : nullptr;
  }

  void forget(std::string_view key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    const auto entry = found->second;
    by_key_.erase(found);
    by_age_.erase(entry);
  }

  [[nodiscard]] std::size_t size() const { return by_age_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  std::size_t capacity_;
  Entries by_age_;
  std::map<std::string_view, typename Entries::iterator, std::less<>> by_key_;  // views of the entries' keys
};

}  // namespace saslift::auth
