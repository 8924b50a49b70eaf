// The redirect URI of grant browser, as it is registered for the app.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/identity_draft.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

// RFC 8252 7.3, 8.3: without TLS a code may come back to the loopback alone.
bool is_redirect_uri(std::string_view uri) {
  if (uri.starts_with("https://")) return host_of_https_url(uri).has_value();
  return std::ranges::any_of(std::array<std::string_view, 3>{"http://localhost", "http://127.0.0.1", "http://[::1]"},
                             [&](std::string_view loopback) {
                               if (!uri.starts_with(loopback)) return false;
                               const std::string_view rest = uri.substr(loopback.size());
                               return (rest.empty() || rest.front() == ':' || rest.front() == '/') &&
                                      rest.find_first_of("?# ") == rest.npos;
                             });
}

}  // namespace

void take_redirect_uri(IdentityDraft& draft) {
  const auto written = draft.reader.text("redirect_uri");
  if (!written) return;
  if (!is_redirect_uri(written->value)) {
    draft.error(written->at,
                fmt::format("{} is no redirect URI; it is the one registered for the app: http://localhost, where "
                            "`saslift sign-in` listens at any free port, or https://..., with --paste",
                            in_quotes(written->value)));
    return;
  }
  draft.identity.redirect_uri = written->value;
}

}  // namespace saslift::config
