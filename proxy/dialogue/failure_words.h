// The human part of the reply to a login that failed; the code before it is the protocol's own.
#pragma once

#include <string>
#include <string_view>

#include "auth/login.h"

namespace saslift::proxy {

// "SENTENCE, reference REFERENCE", printable ASCII in one line. An empty sentence stands for what an office
// manager can pass on about this failure; an empty reference is left out.
[[nodiscard]] std::string failure_words(auth::LoginFailure failure, std::string_view sentence,
                                        std::string_view reference);

}  // namespace saslift::proxy
