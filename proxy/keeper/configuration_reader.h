// Reads the configuration again, away from the loop: a secret may come from a program that takes its time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/load.h"
#include "proxy/net/loop.h"

namespace saslift::proxy::keeper {

class ConfigurationReader {
 public:
  using Done = std::function<void(config::LoadResult result)>;

  ConfigurationReader(net::Loop& loop, std::string path);
  ConfigurationReader(const ConfigurationReader&) = delete;
  ConfigurationReader& operator=(const ConfigurationReader&) = delete;
  // A reading under way goes on and reports to nobody.
  ~ConfigurationReader();

  [[nodiscard]] bool busy() const { return reading_ != nullptr; }
  // One at a time.
  void read(Done done);

 private:
  struct Reading;

  net::Loop& loop_;
  std::string path_;
  Reading* reading_ = nullptr;  // owned by libuv's request
};

}  // namespace saslift::proxy::keeper
