#include "proxy/pop3/replies.h"

#include "proxy/dialogue/failure_words.h"

namespace saslift::proxy::pop3 {
namespace {

std::string_view response_code(auth::LoginFailure failure) {
  using auth::LoginFailure;
  switch (failure) {
    case LoginFailure::bad_credentials:
    case LoginFailure::not_permitted:
    case LoginFailure::authzid_refused:
    case LoginFailure::needs_tls:
      return "[AUTH]";  // RFC 3206 section 6
    case LoginFailure::sign_in_needed:
    case LoginFailure::identity_refused:
      return "[SYS/PERM]";
    case LoginFailure::limit_reached:
      return "[IN-USE]";  // RFC 2449 section 8.1.1
    case LoginFailure::token_unavailable:
    case LoginFailure::server_unreachable:
    case LoginFailure::server_protocol_error:
    case LoginFailure::timeout:
    case LoginFailure::overloaded:
    case LoginFailure::shutting_down:
    case LoginFailure::keeper_away:
      break;
  }
  return "[SYS/TEMP]";
}

}  // namespace

std::string greeting(std::string_view hostname) {
  // No <...> in it: clients would take it for APOP's timestamp (RFC 1939 section 7).
  return "+OK " + std::string(hostname) + " POP3 ready\r\n";
}

std::string capability_list(Offer offer) {
  std::string list = "+OK Capability list follows\r\nTOP\r\nUIDL\r\n";
  // RFC 2595 section 4: USER is not listed where it would be refused.
  if (offer.logins == PlaintextLogins::accepted) list += "USER\r\nSASL PLAIN LOGIN\r\n";
  list += "RESP-CODES\r\nAUTH-RESP-CODE\r\n";
  if (offer.starttls == StartTlsOffer::offered) list += "STLS\r\n";
  return list + ".\r\n";
}

std::string mechanism_list(Offer offer) {
  const std::string_view mechanisms = offer.logins == PlaintextLogins::accepted ? "PLAIN\r\nLOGIN\r\n" : "";
  return "+OK Mechanism list follows\r\n" + std::string(mechanisms) + ".\r\n";
}

std::string login_refusal(auth::LoginFailure failure, std::string_view sentence, std::string_view reference) {
  return "-ERR " + std::string(response_code(failure)) + ' ' + failure_words(failure, sentence, reference) + "\r\n";
}

std::string dismissal(Dismissal why) {
  switch (why) {
    case Dismissal::idle_before_login:
      return "-ERR No login in time; connect again\r\n";
    case Dismissal::session_cap:
      return "-ERR [SYS/TEMP] Too many connections; try again later\r\n";
    case Dismissal::shutting_down:
      return "-ERR [SYS/TEMP] The mail proxy is being restarted; try again in a minute\r\n";
  }
  return "-ERR Closing\r\n";
}

}  // namespace saslift::proxy::pop3
