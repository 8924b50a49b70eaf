// Why a session that is logged in is ended by us, as its client is told.
#pragma once

#include <cstdint>

namespace saslift::proxy {

enum class Parting : std::uint8_t { shutting_down, ended_by_operator };

}  // namespace saslift::proxy
