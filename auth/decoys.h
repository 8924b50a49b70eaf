// What is hashed for logins that nobody has (FAULTS 32). Configured hashes may differ in cost: an unknown login
// costs, each time, what some account costs, and any cost is as common among unknown logins as among accounts,
// so that time tells nobody which logins exist.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.h"
#include "config/settings.h"

namespace saslift::auth {

class Decoys {
 public:
  explicit Decoys(const config::Settings& settings);
  // The accounts have changed; which cost an unknown login has stays as it was while their number does.
  void reload(const config::Settings& settings);

  [[nodiscard]] const std::string& of(std::string_view login) const;

 private:
  config::Secret key_;
  std::vector<std::string> hashes_;  // one for each account; one where there is none
};

}  // namespace saslift::auth
