// The fetch process, `saslift fetch`: one token request on standard input, one outcome on standard output.
// What cpp-httplib does not bound the process does: its memory here, its life by the keeper.
#pragma once

namespace saslift::proxy::fetch {

[[nodiscard]] int run_fetch();

}  // namespace saslift::proxy::fetch
