// One login at the provider as a device's would be: the session of a worker, with a device and a keeper that are
// both in here. Blocks, at most the login's time and 10 s.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "auth/login.h"
#include "config/settings.h"

namespace saslift::proxy::trial {

struct Plan {
  config::Protocol protocol = config::Protocol::imap;
  const config::Service& service;
  std::string ca_file;    // of the provider
  auth::Granted granted;  // all but its addresses
};

struct Report {
  bool logged_in = false;
  bool proven = false;                        // the mailbox answered a command, too
  std::optional<auth::LoginFailure> failure;  // where it did not log in
  std::string words;                          // the server's, or why it was not reached
  std::vector<std::string> proof;             // the server's answer to the command
  auth::PhaseTimes times;
};

[[nodiscard]] Report try_login(Plan plan);

}  // namespace saslift::proxy::trial
