#include "auth/login.h"

#include <fmt/format.h>

namespace saslift::auth {

std::string reference_of(SessionId session) { return fmt::format("{:08x}", session); }

std::string_view name_of(LoginFailure failure) {
  switch (failure) {
    case LoginFailure::bad_credentials:
      return "bad_credentials";
    case LoginFailure::not_permitted:
      return "not_permitted";
    case LoginFailure::authzid_refused:
      return "authzid_refused";
    case LoginFailure::needs_tls:
      return "needs_tls";
    case LoginFailure::sign_in_needed:
      return "sign_in_needed";
    case LoginFailure::identity_refused:
      return "identity_refused";
    case LoginFailure::token_unavailable:
      return "token_unavailable";
    case LoginFailure::server_unreachable:
      return "server_unreachable";
    case LoginFailure::server_protocol_error:
      return "server_protocol_error";
    case LoginFailure::timeout:
      return "timeout";
    case LoginFailure::limit_reached:
      return "limit_reached";
    case LoginFailure::overloaded:
      return "overloaded";
    case LoginFailure::shutting_down:
      return "shutting_down";
    case LoginFailure::keeper_away:
      return "keeper_away";
  }
  return "unknown";
}

std::string loggable(std::string_view unknown_login) {
  const auto end = unknown_login.find(' ');
  if (end == std::string_view::npos) return std::string(unknown_login);
  return std::string(unknown_login.substr(0, end)) + " [...]";
}

std::string_view name_of(ClientMechanism mechanism) {
  switch (mechanism) {
    case ClientMechanism::login_command:
      return "login";
    case ClientMechanism::user_pass:
      return "user/pass";
    case ClientMechanism::sasl_plain:
      return "sasl plain";
    case ClientMechanism::sasl_login:
      return "sasl login";
    case ClientMechanism::trusted_address:
      return "trusted address";
  }
  return "unknown";
}

std::string_view name_of(TurnAway why) {
  switch (why) {
    case TurnAway::not_allowed:
      return "not_allowed";
    case TurnAway::session_cap:
      return "session_cap";
    case TurnAway::unauthenticated_cap:
      return "unauthenticated_cap";
    case TurnAway::unauthenticated_per_host:
      return "unauthenticated_per_host";
    case TurnAway::no_proxy_header:
      return "no_proxy_header";
  }
  return "unknown";
}

}  // namespace saslift::auth
