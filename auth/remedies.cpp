#include "auth/remedies.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "auth/accounts.h"

namespace saslift::auth {
namespace {

struct NumberedRemedy {
  unsigned number;
  std::string_view cause;
  std::string_view next_step;
};

struct NamedRemedy {
  std::string_view name;  // of an error, or words of a server in lower case
  std::string_view cause;
  std::string_view next_step;
};

constexpr std::string_view sign_in_again = "sign in again for this identity";
constexpr std::string_view wait_and_see = "nothing: it is tried again, ever more slowly";
constexpr std::string_view cannot_send_as = "set rewrite_from = \"both\" on the account, or grant SendAs";
constexpr std::string_view refused_by_recipient = "the recipient's side does not take this message";
constexpr std::string_view ask_recipient = "ask the recipient's administrator";

// EXCHANGE 4, in ascending order.
constexpr auto entra_remedies = std::to_array<NumberedRemedy>({
    {50001, "the resource in the scope is unknown in this tenant or cloud",
     "check the scope https://outlook.office365.com/.default and the provider of the right cloud"},
    {50011, "the redirect URI is not the registered one", "register exactly the URI that was used"},
    {50012, "the client assertion was rejected", "upload the certificate to the app; check that its key signs"},
    {50020, "the account belongs to another tenant", "use the right tenant, or a multi-tenant app"},
    {50027, "the client assertion is malformed", "check its header and claims"},
    {50034, "the user is not in this directory", "check the tenant and the user name"},
    {50053, "the account is locked or the address is blocked", "wait, unblock it, look for guessing attacks"},
    {50055, "the user's password has expired", "the user changes it and signs in again"},
    {50057, "the user is disabled", "enable the user, or use a delegate for a shared mailbox"},
    {50059, "no tenant is named in the request", "set tenant to the tenant's ID or domain"},
    {50072, "the user must enrol for multi-factor authentication", sign_in_again},
    {50074, "multi-factor authentication is needed", sign_in_again},
    {50076, "multi-factor authentication is needed", sign_in_again},
    {50078, "the multi-factor authentication is too old by policy", sign_in_again},
    {50079, "the user must enrol for multi-factor authentication", sign_in_again},
    {50089, "the sign-in took too long", "start the sign-in over"},
    {50097, "Conditional Access wants a managed device", "exclude this app from the policy, or go app-only"},
    {50105, "the enterprise application needs user assignment", "assign the user to the enterprise application"},
    {50126, "wrong user name or password", "do not use the password grant"},
    {50128, "no tenant is named in the request", "set tenant to the tenant's ID or domain"},
    {50131, "Conditional Access blocks this sign-in", "sign in interactively or change the policy"},
    {50132, "the session was revoked", sign_in_again},
    {50133, "the session was revoked", sign_in_again},
    {50144, "the user's password has expired", "the user changes it and signs in again"},
    {50158, "an external security challenge is not met", "sign in interactively or change the policy"},
    {50173, "the grant was revoked, as after a password change", sign_in_again},
    {50194, "a single-tenant app was used on the common endpoint", "set tenant to the app's own tenant"},
    {50196, "Entra saw too many equal requests", wait_and_see},
    {50199, "a confirmation by the user is needed", sign_in_again},
    {53000, "Conditional Access wants a compliant device", "exclude this app from the policy, or go app-only"},
    {53001, "Conditional Access wants a joined device", "exclude this app from the policy, or go app-only"},
    {53003, "blocked by Conditional Access",
     "find the policy in the sign-in log of the identity; exclude the app or allow this address"},
    {53011, "blocked because of risk", "clear the risk of the user or app"},
    {54005, "the authorization code was used already", "start the sign-in over"},
    {65001, "nobody has consented to this scope", "give admin consent to the app's permissions"},
    {65004, "the user declined consent", "ask for consent again"},
    {65005, "the app does not list the requested resource", "add the Exchange Online permissions and consent"},
    {70000, "the grant is not valid any more", sign_in_again},
    {70001, "the application is not known in this tenant", "check client_id and tenant; give consent"},
    {70002, "the client secret is wrong", "paste the secret's Value, not its Secret ID"},
    {70008, "the code or refresh token has expired", sign_in_again},
    {70011, "the scope is malformed or names several resources", "use one resource: .../.default alone"},
    {70016, "the device code is not confirmed yet", "finish the sign-in in the browser"},
    {70018, "the user code is wrong", "start over with a new code"},
    {70019, "the user code has expired", "start over with a new code"},
    {70021, "no federated credential matches", "copy issuer, subject and audience exactly, case counts"},
    {70043, "the sign-in frequency policy ended the refresh token", "sign in again; relax the policy for this app"},
    {90002, "the tenant does not exist", "check tenant for a typo; a trial tenant may have ended"},
    {90006, "Entra has a passing problem", wait_and_see},
    {90012, "Entra has a passing problem", wait_and_see},
    {90013, "the request has an invalid field", "fill in tenant and client_id"},
    {90014, "a field of the request is missing or empty", "fill in client_id, scope and client_secret"},
    {90024, "Entra has a passing problem", wait_and_see},
    {90033, "Entra has a passing problem", wait_and_see},
    {90038, "the tenant lives in another national cloud", "use that cloud's provider"},
    {90055, "the tenant is throttled", wait_and_see},
    {90072, "the account is not in this tenant", "use the right account, or invite it as a guest"},
    {90094, "an administrator's consent is needed", "give admin consent to the app's permissions"},
    {90095, "an administrator's consent is needed", "give admin consent to the app's permissions"},
    {500011, "the resource in the scope is unknown in this tenant or cloud",
     "check the scope https://outlook.office365.com/.default and the provider of the right cloud"},
    {500208, "the account's kind is not allowed for this endpoint", "use the right tenant, or consumers"},
    {530032, "blocked by the tenant's security policy", "look at the sign-in log; clear the risk or the policy"},
    {530034, "blocked by the tenant's security policy", "look at the sign-in log; clear the risk or the policy"},
    {530035, "blocked by security defaults", "go app-only, or replace security defaults by Conditional Access"},
    {650052, "the tenant has no Exchange Online", "get a licence with Exchange Online"},
    {650056, "the app does not list the requested resource", "add the Exchange Online permissions and consent"},
    {650057, "the app does not list the requested resource", "add the Exchange Online permissions and consent"},
    {700005, "the code was made at another tenant", "use one tenant for the whole sign-in"},
    {700016, "the application is not known in this tenant", "check client_id and tenant; give consent"},
    {700022, "the scope names several resources", "use one resource: .../.default alone"},
    {700024, "the client assertion is outside its time", "check the clock; read the federated token anew"},
    {700025, "a public client sent a secret", "drop the secret, or register the app as Web"},
    {700027, "the assertion's certificate is not registered", "upload the certificate to the app"},
    {700082, "the refresh token has expired unused", sign_in_again},
    {700211, "no federated credential has this issuer", "copy the issuer exactly, case counts"},
    {700212, "no federated credential has this audience", "copy the audience exactly, case counts"},
    {700213, "no federated credential has this subject", "copy the subject exactly, case counts"},
    {900144, "a field of the request is missing or empty", "fill in client_id, scope and client_secret"},
    {900432, "the tenant lives in another national cloud", "use that cloud's provider"},
    {900971, "the app has no redirect URI", "register one"},
    {901002, "the request names a resource where a scope belongs", "use scope"},
    {1000031, "the application cannot be used now", "enable the enterprise application"},
    {7000112, "the application is disabled", "enable the enterprise application"},
    {7000215, "the client secret is wrong", "paste the secret's Value, not its Secret ID"},
    {7000218, "neither secret nor assertion was sent", "give a client_secret, or allow public client flows"},
    {7000222, "the client secret has expired", "make a new secret for the app and put it in its file"},
    {7000229, "the app has no service principal in the tenant", "give consent, which makes one"},
    {7002137, "no federated credential has this subject", "copy the subject exactly, case counts"},
    {7002138, "no federated credential has this subject", "copy the subject exactly, case counts"},
    {9001023, "this grant is not allowed on the common endpoint", "set tenant to the app's own tenant"},
    {9002313, "the request is malformed", "check client_id, tenant and scope for stray characters"},
    {9002331, "the app is not for this kind of account", "change the app's supported account types"},
    {9002332, "the app is not for this kind of account", "change the app's supported account types"},
});
static_assert(std::is_sorted(entra_remedies.begin(), entra_remedies.end(),
                             [](const auto& left, const auto& right) { return left.number < right.number; }));

constexpr auto error_remedies = std::to_array<NamedRemedy>({
    {"invalid_client", "the provider does not accept client_id with this secret", "check client_id and client_secret"},
    {"invalid_grant", "the provider does not accept this grant any more", sign_in_again},
    {"unauthorized_client", "the app may not use this grant", "allow the grant in the app's registration"},
    {"invalid_scope", "the provider does not know the scope", "check scope"},
    {"invalid_request", "the provider finds the request malformed", "check tenant, client_id and scope"},
    {"unsupported_grant_type", "the provider does not offer this grant", "choose another grant"},
    {"invalid_resource", "the resource in the scope is unknown", "check scope and the provider's cloud"},
    {"interaction_required", "the provider wants somebody to sign in", sign_in_again},
    {"consent_required", "nobody has consented to this scope", "give admin consent to the app's permissions"},
    {"access_denied", "the provider denied access", "ask the provider's administrator for consent"},
    {"authorization_declined", "the person declined", "sign in again, and accept"},
    {"expired_token", "nobody confirmed the code in time", "start over with a new code"},
    {"bad_verification_code", "the provider does not know the code it gave", "start over with a new code"},
    {"no_device_code", "the provider's reply holds no code to show", "check device_authorization_endpoint"},
    {"sign_in_expired", "nobody finished the sign-in in time", "start the sign-in over"},
    {"no_listener", "another program has the port of redirect_uri, or nobody may listen there",
     "leave the port out of redirect_uri, or use --paste"},
    {"nothing_pasted", "the browser's last address was not given", "start the sign-in over, and paste the address"},
    {"not_kept", "the sign-in went well, but its refresh token is not stored",
     "do what the text says, and sign in again"},
    {"saslift_runs", "the running saslift uses this identity's refresh token, which must not be used twice",
     "let a device log in and look at `saslift status`, or stop saslift first"},
    {"no_state", "the refresh tokens cannot be read", "run this as the user that saslift runs as"},
    {"sign_in_needed", "nobody has signed in for this identity", "saslift sign-in NAME"},
    {"foreign_user", "somebody else has signed in than the identity's owner", "sign in as the owner, or correct owner"},
    {"no_refresh_token", "the provider gave no refresh token, so the sign-in would end with this token",
     "add offline_access to scope, or what the provider wants instead"},
    {"temporarily_unavailable", "the sign-in service is overloaded", wait_and_see},
    {"server_error", "the sign-in service has a passing problem", wait_and_see},
    {"authorization_pending", "the sign-in is not confirmed yet", "finish the sign-in in the browser"},
    {"login_required", "the provider wants somebody to sign in", sign_in_again},
    {"admin_policy_enforced", "the administrator of the Workspace does not allow the app",
     "allow it in the admin console"},
    {"unreachable", "the token endpoint cannot be reached", "check network, firewall and name resolution"},
    {"tls", "the token endpoint's certificate is not trusted", "set ca_file if a firewall inspects TLS"},
    {"timeout", "the token endpoint did not answer in time", "check network and firewall; it is tried again"},
    {"too_long", "the token endpoint's reply is larger than any token's", "check token_endpoint"},
    {"not_json", "the token endpoint's reply is no JSON, as from a proxy or when throttled",
     "check token_endpoint; it is tried again, ever more slowly"},
    {"no_token", "the token endpoint's reply has no access token", "check token_endpoint and grant"},
    {"unfit_token", "the token has characters or a size that no mail server takes", "check token_endpoint"},
    {"unfit_refresh_token", "the refresh token has characters or a size that cannot be kept", "check token_endpoint"},
    {"no_assertion", "the key or file that the assertion comes from cannot be used",
     "check certificate_key or assertion_file, and that saslift may read it"},
    {"command_failed", "the identity's command gave no token", "run it by hand as saslift's user to see why"},
    {"fetch_died", "the fetch process ended without an answer", "look for a crash or a memory limit"},
});

// EXCHANGE 2.2 to 2.4; the first one that applies counts. A number is the reply's enhanced status code (RFC 2034), "^"
// the beginning of words of our own; everything else may stand anywhere.
constexpr auto server_remedies = std::to_array<NamedRemedy>({
    {"smtpclientauthentication is disabled for the tenant", "SMTP AUTH is switched off for the tenant",
     "Set-TransportConfig -SmtpClientAuthenticationDisabled $false, or switch it on for the mailbox"},
    {"disabled for the mailbox", "SMTP AUTH is switched off for the mailbox",
     "Set-CASMailbox MAILBOX -SmtpClientAuthenticationDisabled $false"},
    {"basic authentication is disabled", "a password was used where only OAuth works", "report this as a bug"},
    {"basic authentication is not supported", "a password was used where only OAuth works", "report this as a bug"},
    {"5.7.139", "a policy of the tenant blocks this sign-in",
     "check security defaults, Conditional Access and the mailbox's SMTP AUTH switch"},
    {"token will expire soon", "the server wants a token with more life left", wait_and_see},
    {"invalid xoauth2 auth data", "the server could not read mailbox and token", "check the account's mailbox"},
    {"5.7.3", "the token does not open this mailbox for SMTP",
     "check mailbox and scope; grant SMTP.SendAsApp, run New-ServicePrincipal with the enterprise application's "
     "object ID, then Add-MailboxPermission"},
    {"5.7.4", "the server does not offer this mechanism", "check the provider's host, port and tls"},
    {"5.7.57", "the server does not count this session as logged in", "check that the account's mailbox may send"},
    {"5.7.60", "the mailbox may not send as this sender", cannot_send_as},
    {"sendasdenied", "the mailbox may not send as this sender", cannot_send_as},
    {"5.2.252", "the mailbox may not send as this sender", cannot_send_as},
    {"logonfailed", "the token does not open this mailbox for sending",
     "grant FullAccess, or the Application SMTP.SendAsApp role, on the mailbox to the enterprise application"},
    {"mailbox logon failure", "the token does not open this mailbox for sending",
     "grant FullAccess, or the Application SMTP.SendAsApp role, on the mailbox to the enterprise application"},
    {"authenticated but not connected", "the login counts, but the mailbox does not open",
     "check that IMAP is on, FullAccess is granted to the enterprise application's object ID, the mailbox is "
     "licensed, and try its user principal name (upn)"},
    {"accesstokenexpired", "the token ended during the session", "nothing: the client logs in again"},
    {"concurrent connections limit", "more than three connections at once to this mailbox", "spread the devices"},
    {"sender thread limit", "too many messages at once from this mailbox", "spread the devices"},
    {"throttled", "the server is throttling this mailbox", "let the clients ask less often"},
    {"too many simultaneous connections", "too many connections to this mailbox", "let the clients open fewer"},
    {"bad outbound sender", "the mailbox is blocked from sending", "unblock it in the Defender portal"},
    {"5.1.90", "the mailbox has reached its recipients of the day", "wait a day, or spread them over mailboxes"},
    {"5.2.2", "the mailbox is full", "empty it, Sent Items too"},
    {"mailbox full", "the mailbox is full", "empty it, Sent Items too"},
    {"tls 1.0 and 1.1", "something between us and the server lowers TLS below 1.2", "look for a firewall in between"},
    {"5.7.64", "the server takes this for mail from outside", "check the provider's smtp host and port"},
    {"5.7.12", refused_by_recipient, ask_recipient},
    {"5.7.133", refused_by_recipient, ask_recipient},
    {"5.7.134", refused_by_recipient, ask_recipient},
    {"5.7.136", refused_by_recipient, ask_recipient},
    {"5.4.1", refused_by_recipient, ask_recipient},
    {"4.4.1", "the session was idle or open for too long", "nothing: the client connects again"},
    {"4.4.2", "the server ended an idle session", "nothing: the client connects again"},
    {"server busy", "the server is busy", wait_and_see},
    {"temporary server error", "the server has a passing problem", wait_and_see},
    {"service not active", "the server has a passing problem", wait_and_see},
    {"5.3.3", "the server does not know a command of the client's", "see what the device sends; report it as a bug"},
    {"not enabled for imap", "IMAP is off for the mailbox", "Set-CASMailbox MAILBOX -ImapEnabled $true"},
    {"authenticate failed", "the token does not open this mailbox by IMAP",
     "check mailbox and scope; grant IMAP.AccessAsApp, run New-ServicePrincipal with the enterprise "
     "application's object ID, then Add-MailboxPermission; check that IMAP is on"},
    {"no login failed", "a password was used where only OAuth works", "report this as a bug"},
    {"logon failure: unknown user name", "a password was used where only OAuth works", "report this as a bug"},
    {"authentication failure: unknown user name", "the token does not open this mailbox by POP3",
     "check mailbox and scope; grant POP.AccessAsApp, run New-ServicePrincipal with the enterprise "
     "application's object ID, then Add-MailboxPermission; check that POP3 is on"},
    {"protocol error. connection is closed. 10", "the server could not read the login, as when a token is too long",
     "give the app fewer permissions, so that its tokens are shorter"},
    {"connection is closed. 13", "the server ended an idle session", "nothing: the client connects again"},
    {"connection closed. 14", "the server ended the session: the mailbox does not open, or is throttled",
     "check the mailbox's permissions; let the clients ask less often"},
    {"command error. 10", "the server does not know a command of the client's", "see what the client sends"},
    {"command argument error. 1", "the server does not understand a command of the client's",
     "see what the client sends"},
    {"invalid sasl argument", "the server could not read the login", "check mailbox; report this as a bug"},
    {"line too long", "the server could not read the login, as when a token is too long",
     "give the app fewer permissions, so that its tokens are shorter"},
    {"[limit]", "too many connections to this mailbox", "let the clients open fewer"},
    {"username and password not accepted", "the token does not open this mailbox",
     "check mailbox and scope; the mailbox must be the one that consented"},
    {"invalid credentials", "the token does not open this mailbox",
     "check mailbox and scope; the mailbox must be the one that consented"},
    {"^certificate of ", "the mail server's certificate is not trusted", "set ca_file if a firewall inspects TLS"},
});

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Behind the reply code of SMTP; addresses and versions in the text look alike.
std::string_view enhanced_status_code(std::string_view words) {
  constexpr std::size_t code_size = 3;
  if (words.size() <= code_size + 1 || !std::all_of(words.begin(), words.begin() + code_size, is_digit)) return {};
  const std::string_view rest = words.substr(code_size + 1);
  return rest.substr(0, rest.find_first_not_of("0123456789."));
}

bool applies(std::string_view name, std::string_view words) {
  if (is_digit(name.front())) return enhanced_status_code(words) == name;
  return name.front() == '^' ? words.starts_with(name.substr(1)) : words.contains(name);
}

Remedy copy_of(const auto& row) { return {.cause = std::string(row.cause), .next_step = std::string(row.next_step)}; }

}  // namespace

unsigned aadsts_number(std::string_view description) {
  static constexpr std::string_view prefix = "AADSTS";
  const std::size_t at = description.find(prefix);
  if (at == std::string_view::npos) return 0;
  const std::string_view digits = description.substr(at + prefix.size());
  unsigned number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return parsed.ec == std::errc() ? number : 0;
}

std::optional<Remedy> remedy_for(const TokenError& error) {
  // Of personal accounts, without a number.
  if (error.error == "unauthorized_client" && error.description.contains("not enabled for consumers")) {
    return Remedy{.cause = "the app is not for personal accounts",
                  .next_step = "let the app's supported account types include personal Microsoft accounts"};
  }
  if (const unsigned number = aadsts_number(error.description); number != 0) {
    const auto found = std::lower_bound(entra_remedies.begin(), entra_remedies.end(), number,
                                        [](const NumberedRemedy& row, unsigned n) { return row.number < n; });
    if (found != entra_remedies.end() && found->number == number) return copy_of(*found);
    return Remedy{.cause = "Entra refused, with a number not known here",
                  .next_step = "see https://login.microsoftonline.com/error?code=" + std::to_string(number)};
  }
  const auto found = std::find_if(error_remedies.begin(), error_remedies.end(),
                                  [&](const NamedRemedy& row) { return row.name == error.error; });
  if (found == error_remedies.end()) return std::nullopt;
  return copy_of(*found);
}

std::optional<Remedy> remedy_for(std::string_view server_words) {
  const std::string words = folded(server_words);
  const auto found = std::find_if(server_remedies.begin(), server_remedies.end(),
                                  [&](const NamedRemedy& row) { return applies(row.name, words); });
  if (found == server_remedies.end()) return std::nullopt;
  return copy_of(*found);
}

bool tells_unconnected(std::string_view server_words) {
  return folded(server_words).contains("authenticated but not connected");
}

bool tells_token_expiry(std::string_view server_words) { return folded(server_words).contains("accesstokenexpired"); }

}  // namespace saslift::auth
