// The subcommands of saslift, one file each. Exit: 0 yes, 1 no, 2 wrong use or configuration.
#pragma once

namespace saslift::proxy {

[[nodiscard]] int run_command(int argc, char** argv);

}  // namespace saslift::proxy
