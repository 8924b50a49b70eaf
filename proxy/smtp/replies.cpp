#include "proxy/smtp/replies.h"

#include <utility>
#include <vector>

#include "proxy/dialogue/failure_words.h"

namespace saslift::proxy::smtp {
namespace {

std::string_view code_of(auth::LoginFailure failure) {
  using auth::LoginFailure;
  switch (failure) {
    case LoginFailure::bad_credentials:
    case LoginFailure::not_permitted:
    case LoginFailure::authzid_refused:
      return "535 5.7.8";
    case LoginFailure::needs_tls:
      return "538 5.7.11";
    case LoginFailure::sign_in_needed:
    case LoginFailure::identity_refused:
      return "535 5.7.0";
    case LoginFailure::limit_reached:
    case LoginFailure::overloaded:
    case LoginFailure::shutting_down:
    case LoginFailure::keeper_away:
      return "421 4.3.2";
    case LoginFailure::token_unavailable:
    case LoginFailure::server_unreachable:
    case LoginFailure::server_protocol_error:
    case LoginFailure::timeout:
      break;
  }
  return "454 4.7.0";
}

}  // namespace

std::string greeting(std::string_view hostname) {
  // Some devices look for the word ESMTP before they send EHLO.
  return "220 " + std::string(hostname) + " ESMTP\r\n";
}

std::string helo_reply(std::string_view hostname) { return "250 " + std::string(hostname) + "\r\n"; }

std::string ehlo_reply(std::string_view hostname, std::span<const std::string> extensions, Offer offer) {
  std::vector<std::string> lines{std::string(hostname)};
  lines.insert(lines.end(), extensions.begin(), extensions.end());
  if (offer.starttls == StartTlsOffer::offered) lines.emplace_back("STARTTLS");
  if (offer.logins == PlaintextLogins::accepted) {
    // The other form first: a client that knows both goes by the last one it reads.
    if (offer.auth_equals == AuthEquals::listed) lines.emplace_back("AUTH=PLAIN LOGIN");
    lines.emplace_back("AUTH PLAIN LOGIN");
  }
  std::string reply;
  for (const auto& line : lines) {
    reply += &line == &lines.back() ? "250 " : "250-";
    reply += line + "\r\n";
  }
  return reply;
}

Refusal login_refusal(auth::LoginFailure failure, std::string_view sentence, std::string_view reference) {
  const std::string_view code = code_of(failure);
  return {.reply = std::string(code) + ' ' + failure_words(failure, sentence, reference) + "\r\n",
          .closes = code.starts_with("421")};
}

Refusal mail_refusal(auth::LoginFailure failure, std::string_view sentence, std::string_view reference) {
  // RFC 5321 section 4.3.2 has no AUTH codes for MAIL.
  std::string_view code = code_of(failure);
  if (code.starts_with('5')) code = "550 5.7.1";
  if (code.starts_with("454")) code = "451 4.7.0";
  return {.reply = std::string(code) + ' ' + failure_words(failure, sentence, reference) + "\r\n",
          .closes = code.starts_with("421")};
}

std::string dismissal(Dismissal why) {
  switch (why) {
    case Dismissal::idle_before_login:
      return "421 4.4.2 No login in time; connect again\r\n";
    case Dismissal::session_cap:
      return "421 4.3.2 Too many connections; try again later\r\n";
    case Dismissal::shutting_down:
      return "421 4.3.2 The mail proxy is being restarted; try again in a minute\r\n";
  }
  return "421 4.3.2 Closing\r\n";
}

}  // namespace saslift::proxy::smtp
