#include <algorithm>

#include "auth/login_desk_state.h"

namespace saslift::auth {
namespace {

constexpr Duration longest_token_wait{10'000};
// A second try is worth while only with this much of the login's time left.
constexpr Duration least_for_second_try{10'000};
// argon2id takes 25 ms of a core and 19 MiB; more than these would not be done before the deadline.
constexpr std::size_t most_hashes = 256;

}  // namespace

std::string LoginDesk::State::find_account(OpenLogin& login) const {
  if (const std::string_view flaw = flaw_of_login(login.login); !flaw.empty()) return std::string(flaw);
  auto match = accounts.find(login.login);
  if (!match) return "no account has this login";
  login.account = match->account;
  login.mailbox = std::move(match->mailbox);
  const auto identity = settings->identities.find(match->account->identity);
  if (identity == settings->identities.end()) return "the account's identity is not configured";
  login.identity = &identity->second;
  if (const auto& endpoint = identity->second.provider.endpoint(login.protocol)) login.endpoint = &*endpoint;
  if (!address_allowed(*login.account, login.client_address))
    return "the client's address is not in the account's allow";
  return {};
}

void LoginDesk::State::check_password(OpenLogin& login, config::Secret password, std::string doom, Instant now) {
  // A doomed login costs the same one hash as a good one: time tells nobody which logins exist.
  const std::string& phc = login.account != nullptr ? login.account->password_hash : decoy;
  const auto digest = memo.digest_of({.phc = phc, .login = folded(login.login), .password = password.reveal()});
  if (doom.empty() && memo.knows(digest)) return admit(login, now);
  if (hashes.size() >= most_hashes)
    return refuse(login, LoginFailure::overloaded, plain_note("too many passwords to check"), now);
  const HashId id = ++last_hash;
  hashes.emplace(id, RunningHash{.login = login.key, .digest = digest, .doom = std::move(doom)});
  login.phase = CheckingPassword{.hash = id};
  actions.emplace_back(HashPassword{.id = id, .phc = phc, .password = std::move(password)});
}

void LoginDesk::State::admit(OpenLogin& login, Instant now) {
  const auto no = [&](LoginFailure failure, std::string detail) {
    refuse(login, failure, plain_note(std::move(detail)), now);
  };
  if (!protocol_allowed(*login.account, login.protocol))
    return no(LoginFailure::not_permitted, "the account's protocols do not list this one");
  if (login.endpoint == nullptr)
    return no(LoginFailure::not_permitted, "the identity's provider has no server for this protocol");
  if (!authzid_allowed({.authzid = login.authzid, .login = login.login, .mailbox = login.mailbox}))
    return no(LoginFailure::authzid_refused, "the authorization identity is neither the login nor its mailbox");
  if (const auto words = gate.refusal_of(login.door(), now)) {
    RefusalNote note = note_of_server(*words);
    note.detail = "refused less than a minute ago: " + note.detail;
    return refuse(login, LoginFailure::identity_refused, note, now);
  }
  const Instant token_until = std::min(now + longest_token_wait, login.deadline);
  login.phase = Gathering{.token_until = token_until, .newer_than = 0, .wake = token_until};
  gather(login, now);
}

void LoginDesk::State::gather(OpenLogin& login, Instant now) {
  auto& gathering = std::get<Gathering>(login.phase);
  const TokenAnswer token = tokens.ask(
      {.identity = login.identity->name, .until = gathering.token_until, .newer_than = gathering.newer_than}, now);
  HostAnswer host = hosts.ask(login.endpoint->host, now);

  if (const auto* denied = std::get_if<TokenDenied>(&token))
    return refuse(login, denied->failure, note_of(denied->error), now);
  if (const auto* unknown = std::get_if<HostUnknown>(&host))
    return refuse(login, LoginFailure::server_unreachable, plain_note(unknown->detail), now);

  const auto* in_hand = std::get_if<TokenInHand>(&token);
  auto* known = std::get_if<HostKnown>(&host);
  if (now >= login.deadline) {
    const bool token_missing = in_hand == nullptr;
    return refuse(login, token_missing ? LoginFailure::token_unavailable : LoginFailure::server_unreachable,
                  plain_note(token_missing ? "no token in time" : "no address of the server in time"), now);
  }
  if (in_hand != nullptr && known != nullptr) {
    if (gathering.newer_than != 0 && login.deadline - now < least_for_second_try)
      return refuse(login, LoginFailure::token_unavailable,
                    plain_note("no time left for a second try with a newer token"), now);
    return grant(login, *in_hand, std::move(*known));
  }
  gathering.wake = login.deadline;
  if (in_hand == nullptr) gathering.wake = std::min(gathering.wake, gathering.token_until);
  if (const auto* pending = std::get_if<HostPending>(&host); pending != nullptr && pending->until)
    gathering.wake = std::min(gathering.wake, *pending->until);
}

void LoginDesk::State::grant(OpenLogin& login, const TokenInHand& token, HostKnown host) {
  const config::Provider& provider = login.identity->provider;
  login.phase = TryingServer{.token_id = token.id, .token_ends = token.ends};
  const auto store = std::find(trust.begin(), trust.end(), provider.ca_file);
  Granted granted{.session = login.key.session,
                  .account = login.account->name,
                  .identity = login.identity->name,
                  .mailbox = login.mailbox,
                  .mechanism = provider.mechanism,
                  .token_id = token.id,
                  .access_token = tokens.copy_of_token(login.identity->name),
                  .host = login.endpoint->host,
                  .port = login.endpoint->port,
                  .tls = login.endpoint->tls,
                  .addresses = std::move(host.addresses),
                  .trust = static_cast<std::uint32_t>(store - trust.begin())};
  actions.emplace_back(AnswerWorker{.worker = login.key.worker, .answer = std::move(granted)});
}

void LoginDesk::State::refuse(OpenLogin& login, LoginFailure failure, const RefusalNote& note, Instant now) {
  std::string sentence = sentence_for(
      failure, {.identity = login.identity != nullptr ? std::string_view(login.identity->name) : std::string_view(),
                .host = login.endpoint != nullptr ? std::string_view(login.endpoint->host) : std::string_view(),
                .protocol = login.protocol,
                .server_words = note.server_words});
  actions.emplace_back(AnswerWorker{
      .worker = login.key.worker,
      .answer = Denied{.session = login.key.session, .failure = failure, .sentence = std::move(sentence)}});
  actions.emplace_back(login_refused(login, failure, note, now - login.asked_at));
  ++logins_refused;
  open.erase(LoginKey(login.key));
}

void LoginDesk::State::token_refused(WorkerId worker, const TokenRefused& report, Instant now) {
  const auto found = open.find({.worker = worker, .session = report.session});
  const auto* trying = found != open.end() ? std::get_if<TryingServer>(&found->second.phase) : nullptr;
  if (trying == nullptr) {
    // A worker waits for an answer to this, whatever has become of the login.
    actions.emplace_back(AnswerWorker{
        .worker = worker,
        .answer = Denied{.session = report.session, .failure = LoginFailure::token_unavailable, .sentence = {}}});
    return;
  }
  OpenLogin& login = found->second;
  const std::uint64_t token_id = trying->token_id;
  if (!tokens.may_ask_newer({.identity = login.identity->name, .id = token_id, .json_status = report.json_status},
                            now)) {
    gate.remember_refusal(login.door(), report.server_words, now);
    return refuse(login, LoginFailure::identity_refused, note_of_server(report.server_words), now);
  }
  const Instant token_until = std::min(now + longest_token_wait, login.deadline - least_for_second_try);
  if (now > token_until) {
    RefusalNote note = note_of_server(report.server_words);
    note.detail = "no time left for a second try with a newer token: " + note.detail;
    return refuse(login, LoginFailure::token_unavailable, note, now);
  }
  login.phase = Gathering{.token_until = token_until, .newer_than = token_id, .wake = token_until};
  gather(login, now);
}

}  // namespace saslift::auth
