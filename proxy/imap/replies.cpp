#include "proxy/imap/replies.h"

#include <algorithm>

namespace saslift::proxy::imap {

std::string capabilities(const ClientSideSettings& settings) {
  const bool in_clear = settings.tls == auth::ClientTls::none;
  std::string words = "IMAP4rev1 SASL-IR LITERAL- ID";
  if (in_clear && settings.starttls == StartTlsOffer::offered) words += " STARTTLS";
  if (in_clear && settings.plaintext_logins == PlaintextLogins::refused) {
    words += " LOGINDISABLED";
  } else {
    words += " AUTH=PLAIN AUTH=LOGIN";
  }
  return words;
}

std::string_view response_code(auth::LoginFailure failure) {
  using auth::LoginFailure;
  switch (failure) {
    case LoginFailure::bad_credentials:
      return "[AUTHENTICATIONFAILED]";
    case LoginFailure::authzid_refused:
      return "[AUTHORIZATIONFAILED]";
    case LoginFailure::needs_tls:
      return "[PRIVACYREQUIRED]";
    case LoginFailure::not_permitted:
    case LoginFailure::sign_in_needed:
    case LoginFailure::identity_refused:
      return "[CONTACTADMIN]";
    case LoginFailure::limit_reached:
      return "[LIMIT]";
    case LoginFailure::token_unavailable:
    case LoginFailure::server_unreachable:
    case LoginFailure::server_protocol_error:
    case LoginFailure::timeout:
    case LoginFailure::overloaded:
    case LoginFailure::shutting_down:
    case LoginFailure::keeper_away:
      return "[UNAVAILABLE]";
  }
  return "[SERVERBUG]";
}

bool needs_login(std::string_view command_name) {
  static constexpr std::string_view names[] = {
      "APPEND",    "CHECK",     "CLOSE",  "COMPRESS",    "COPY",        "CREATE",       "DELETE", "ENABLE", "EXAMINE",
      "EXPUNGE",   "FETCH",     "GETACL", "GETMETADATA", "GETQUOTA",    "GETQUOTAROOT", "IDLE",   "LIST",   "LSUB",
      "MOVE",      "NAMESPACE", "NOTIFY", "RENAME",      "SEARCH",      "SELECT",       "SORT",   "STATUS", "STORE",
      "SUBSCRIBE", "THREAD",    "UID",    "UNSELECT",    "UNSUBSCRIBE", "XLIST",
  };
  return std::ranges::find(names, command_name) != std::end(names);
}

std::string_view words_of(Dismissal why) {
  switch (why) {
    case Dismissal::idle_before_login:
      return "No login came in time";
    case Dismissal::session_cap:
      return "[UNAVAILABLE] Too many connections are open, try again later";
    case Dismissal::shutting_down:
      return "[UNAVAILABLE] The mail proxy is being restarted, try again in a minute";
  }
  return "Closing";
}

}  // namespace saslift::proxy::imap
