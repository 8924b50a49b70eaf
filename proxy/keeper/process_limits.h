// What the keeper does to itself before it holds a secret: no core file, no debugger of the same user, no
// descriptor that leaks into a child, as many descriptors as the host lets it have.
#pragma once

#include <sys/resource.h>

namespace saslift::proxy::keeper {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// A sanitizer attaches to its own process and reports on its standard error.
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

void refuse_core_files();
// Nor may a set-user-ID program that a child starts.
void refuse_new_privileges();
void close_on_exec_from(int first);
// The soft limit to the hard one; returns what is in force.
[[nodiscard]] rlim_t raise_descriptor_limit();

}  // namespace saslift::proxy::keeper
