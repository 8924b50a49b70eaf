// What an authorization server sends back by way of the browser: the query of the redirect URI (RFC 6749 section
// 4.1.2). Whoever can make the browser ask can have written it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/secret.h"

namespace saslift::auth {

struct Redirect {
  config::Secret code;
  std::string state;
  std::string error;
  std::string error_description;
};

// nullopt: not form-encoded, or one of these twice.
[[nodiscard]] std::optional<Redirect> read_redirect(std::string_view query);

// The query in what a person pasted: the whole address, or the query alone.
[[nodiscard]] std::string_view query_in(std::string_view pasted);

}  // namespace saslift::auth
