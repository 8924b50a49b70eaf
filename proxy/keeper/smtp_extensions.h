// What a listener's EHLO may promise: what every provider its clients can end at has in common. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace saslift::proxy::keeper {

// EHLO lines without AUTH and STARTTLS; the smallest SIZE, never CHUNKING or BINARYMIME.
[[nodiscard]] std::vector<std::string> common_smtp_extensions(const config::Settings& settings);

}  // namespace saslift::proxy::keeper
