// A worker process: one loop, no file, no resolver, no secret but the logins in flight and its listeners' keys.
// The keeper starts it with the pipe on descriptor 3; the first frame says what to do.
#pragma once

namespace saslift::proxy {

inline constexpr int worker_pipe_descriptor = 3;

// Until the keeper says Drain and the last session has ended, or the keeper is gone. Returns the exit status.
[[nodiscard]] int run_worker();

}  // namespace saslift::proxy
