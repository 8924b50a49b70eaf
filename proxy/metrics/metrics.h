// The metrics process, `saslift metrics`: the keeper starts it with the pipe on descriptor 3 and the listening socket
// on 4.
#pragma once

namespace saslift::proxy::metrics {

[[nodiscard]] int run_metrics();

}  // namespace saslift::proxy::metrics
