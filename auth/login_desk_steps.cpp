#include <algorithm>
#include <utility>

#include "auth/login_desk_state.h"
#include "auth/long_response.h"
#include "auth/password_encoding.h"
#include "auth/upstream_user.h"

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
  if (match->kind == MailboxKind::own) login.upn = match->account->upn;
  login.guessed_account = login.account->name + ' ' + login.mailbox;
  login.mailbox_kind = match->kind;
  if (std::string flaw = find_identity(login); !flaw.empty()) return flaw;
  if (!address_allowed(*login.account, login.client_address))
    return "the client's address is not in the account's allow";
  return std::string(match->flaw);
}

std::string LoginDesk::State::find_identity(OpenLogin& login) const {
  const auto identity = settings->identities.find(login.account->identity);
  if (identity == settings->identities.end()) return "the account's identity is not configured";
  login.identity = &identity->second;
  const AccountMatch match{.account = login.account, .mailbox = login.mailbox, .kind = login.mailbox_kind};
  login.user = fixed_upstream_user(match, identity->second, login.protocol);
  if (!login.user.empty()) login.upn.clear();
  if (const auto& endpoint = identity->second.provider.endpoint(login.protocol)) login.endpoint = &*endpoint;
  return {};
}

void LoginDesk::State::check_password(OpenLogin& login, config::Secret password, std::string doom, Instant now) {
  // A doomed login costs the same one hash as a good one: time tells nobody which logins exist.
  const std::string& phc = login.account != nullptr ? login.account->password_hash : decoys.of(login.folded_login);
  const auto digest = memo.digest_of({.phc = phc, .login = login.folded_login, .password = password.reveal()});
  if (doom.empty() && memo.knows(digest)) return password_was_right(login, now);
  if (hashes.size() >= most_hashes)
    return refuse(login, LoginFailure::overloaded, plain_note("too many passwords to check"), now);
  const HashId id = ++last_hash;
  hashes.emplace(id, RunningHash{.login = login.key,
                                 .digest = digest,
                                 .doom = std::move(doom),
                                 .in_other_encoding = in_other_encoding(password)});
  login.phase = CheckingPassword{.hash = id};
  actions.emplace_back(HashPassword{.id = id, .phc = phc, .password = std::move(password)});
}

bool LoginDesk::State::check_other_encoding(OpenLogin& login, RunningHash& hash) {
  if (!hash.in_other_encoding) return false;
  const HashId id = ++last_hash;
  const std::string& phc = login.account != nullptr ? login.account->password_hash : decoys.of(login.folded_login);
  login.phase = CheckingPassword{.hash = id};
  actions.emplace_back(HashPassword{.id = id, .phc = phc, .password = std::move(*hash.in_other_encoding)});
  hash.in_other_encoding.reset();
  hashes.emplace(id, std::move(hash));
  return true;
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
  if (!login.upn.empty()) login.named = names.to_try_first(login.door());
  take_slot(login, now);
}

void LoginDesk::State::slot_came(OpenLogin& login, Instant now) {
  const Instant token_until = std::min(now + longest_token_wait, login.deadline);
  login.phase = Gathering{.token_until = token_until, .newer_than = 0, .wake = token_until};
  gather(login, now);
}

void LoginDesk::State::gather(OpenLogin& login, Instant now) {
  auto& gathering = std::get<Gathering>(login.phase);
  const TokenAnswer token =
      tokens.ask({.key = login.token_key(), .until = gathering.token_until, .newer_than = gathering.newer_than}, now);
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
    if (login.tries > 0 && login.deadline - now < least_for_second_try)
      return refuse(login, LoginFailure::token_unavailable, plain_note("no time left for a second try"), now);
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
                  .mailbox = login.upstream_name(),
                  .mechanism = provider.mechanism,
                  .token_id = token.id,
                  .access_token = tokens.copy_of_token(login.token_key()),
                  .host = login.endpoint->host,
                  .port = login.endpoint->port,
                  .tls = login.endpoint->tls,
                  .addresses = std::move(host.addresses),
                  .trust = static_cast<std::uint32_t>(store - trust.begin()),
                  .rewrite_from = login.account->rewrite_from,
                  .sender = login.mailbox};
  ++login.tries;
  if (login.protocol == config::Protocol::pop3) measure_response(login, granted);
  actions.emplace_back(AnswerWorker{.worker = login.key.worker, .answer = std::move(granted)});
}

void LoginDesk::State::measure_response(const OpenLogin& login, const Granted& granted) {
  const std::size_t size = response_size(granted.mailbox, granted.access_token);
  if (size <= longest_pop3_response) return;
  ++large_logins;
  // Once for each token: a printer logs in every minute.
  if (std::exchange(told_of_large_token[login.identity->name], granted.token_id) == granted.token_id) return;
  actions.emplace_back(response_too_long(login, size));
}

void LoginDesk::State::refuse(OpenLogin& login, LoginFailure failure, const RefusalNote& note, Instant now) {
  answer_no(login, failure, note, Duration{0});
  actions.emplace_back(login_refused(login, failure, note, now - login.asked_at));
  forget(login);
}

void LoginDesk::State::answer_no(const OpenLogin& login, LoginFailure failure, const RefusalNote& note,
                                 Duration delay) {
  std::string sentence = sentence_for(
      failure, {.identity = login.identity != nullptr ? std::string_view(login.identity->name) : std::string_view(),
                .host = login.endpoint != nullptr ? std::string_view(login.endpoint->host) : std::string_view(),
                .protocol = login.protocol,
                .server_words = note.server_words});
  actions.emplace_back(AnswerWorker{
      .worker = login.key.worker,
      .answer =
          Denied{.session = login.key.session, .failure = failure, .sentence = std::move(sentence), .delay = delay}});
  ++logins_refused;
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
  const bool asks_newer =
      tokens.may_ask_newer({.use = login.token_use(token_id), .json_status = report.json_status}, now);
  const bool has_other_name = !login.upn.empty() && login.tries == 1;
  if (!asks_newer && !has_other_name) {
    gate.remember_refusal(login.door(), report.server_words, now);
    return refuse(login, LoginFailure::identity_refused, note_of_server(report.server_words), now);
  }
  const Instant token_until = std::min(now + longest_token_wait, login.deadline - least_for_second_try);
  if (now > token_until) {
    RefusalNote note = note_of_server(report.server_words);
    note.detail = "no time left for a second try: " + note.detail;
    return refuse(login, LoginFailure::token_unavailable, note, now);
  }
  // There is one second try, so it takes all that may help: the other name, and a newer token where one is due.
  if (has_other_name) login.named = other(login.named);
  login.phase = Gathering{.token_until = token_until, .newer_than = asks_newer ? token_id : 0, .wake = token_until};
  gather(login, now);
}

}  // namespace saslift::auth
