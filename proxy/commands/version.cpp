#include <fmt/format.h>

#include <cstdio>

#include "proxy/commands/subcommands.h"

namespace saslift::proxy::commands {

int version(const VersionOptions& options) {
  if (options.output == Output::json) {
    fmt::print(stdout, "{{\"version\":\"{}\"}}\n", SASLIFT_VERSION);
  } else {
    fmt::print(stdout, "saslift {}\n", SASLIFT_VERSION);
  }
  return yes;
}

}  // namespace saslift::proxy::commands
