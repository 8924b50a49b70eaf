#include "proxy/worker/worker_loop.h"

#include <sodium.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "proxy/sandbox/confinement.h"
#include "proxy/worker/protocol_rows.h"

namespace saslift::proxy {
namespace {

constexpr std::size_t most_open_questions = 256;
constexpr auth::Duration flush_after_keeper{1000};
constexpr auth::Duration drain_step{250};
constexpr auth::Duration report_turned_away_every{1000};
constexpr auth::Duration report_relayed_every{5000};

bool offers_starttls(config::ListenerTls tls) {
  return tls == config::ListenerTls::starttls || tls == config::ListenerTls::automatic;
}

}  // namespace

WorkerLoop::WorkerLoop(int pipe_descriptor)
    : pipe_(std::make_unique<net::FramePipe>(
          loop_, pipe_descriptor,
          net::FramePipe::Events{[this](std::string_view frame) { frame_came(frame); },
                                 [this](std::string_view why) { keeper_left(why); }})) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
}

WorkerLoop::~WorkerLoop() = default;

int WorkerLoop::run() {
  loop_.run();
  sessions_.clear();
  preambles_.clear();
  loop_.run_tasks();
  return status_;
}

Keeper::Line WorkerLoop::line() const {
  if (!keeper_is_there_) return Line::away;
  return asking_.size() < most_open_questions ? Line::open : Line::overloaded;
}

void WorkerLoop::send(auth::FromWorker message) {
  if (!keeper_is_there_) return;
  if (const auto* question = std::get_if<auth::LoginQuestion>(&message)) asking_.insert(question->session);
  if (const auto* refused = std::get_if<auth::TokenRefused>(&message)) asking_.insert(refused->session);
  if (const auto* withdrawn = std::get_if<auth::Withdrawn>(&message)) asking_.erase(withdrawn->session);
  if (const auto* died = std::get_if<auth::LoginDied>(&message)) asking_.erase(died->session);
  if (const auto* succeeded = std::get_if<auth::LoginSucceeded>(&message)) entrance_.logged_in(succeeded->session);
  pipe_->send(auth::encode(message));
}

void WorkerLoop::frame_came(std::string_view frame) {
  auto message = auth::decode_to_worker(frame);
  if (!message) {
    status_ = 1;
    return loop_.stop();
  }
  if (auto* order = std::get_if<auth::Configure>(&*message)) {
    try {
      return configure(*order);
    } catch (const std::exception& failure) {  // libuv's C frames are above us
      send(auth::WorkerEvent{config::LogLevel::error, "worker_not_configured", 0, {{"detail", failure.what()}}});
      status_ = 1;
      return loop_.stop();
    }
  }
  if (auto* granted = std::get_if<auth::Granted>(&*message)) return answer(granted->session, std::move(*granted));
  if (auto* denied = std::get_if<auth::Denied>(&*message)) return answer(denied->session, std::move(*denied));
  if (const auto* order = std::get_if<auth::Drain>(&*message)) return drain(*order);
  if (std::holds_alternative<auth::Retire>(*message)) return retire();
  if (const auto* order = std::get_if<auth::EndSession>(&*message)) return end_session(*order);
  if (const auto* order = std::get_if<auth::NewCertificate>(&*message)) return renew_certificate(*order);
}

void WorkerLoop::configure(auth::Configure& order) {
  clock_ = std::make_unique<RealClock>(loop_);
  dialer_ = std::make_unique<RealDialer>(loop_);
  tls_ = std::make_unique<RealTls>(loop_, order);
  entrance_ = Entrance(Entrance::Limits::of(order.session_cap));
  for (auto& listener : order.listeners) {
    const auto index = static_cast<std::uint32_t>(facts_.size());
    doors_.push_back({listener.name, EntryRules(listener)});
    facts_.push_back(ListenerFacts{
        .index = index,
        .name = std::move(listener.name),
        .protocol = listener.protocol,
        .row = row_of(listener.protocol),
        .client_side =
            {
                .hostname = order.hostname,
                .starttls = offers_starttls(listener.tls) ? StartTlsOffer::offered : StartTlsOffer::none,
                .plaintext_logins = PlaintextLogins::refused,  // until the client's address is known
                .tls = listener.tls == config::ListenerTls::implicit ? auth::ClientTls::active : auth::ClientTls::none,
                .smtp_extensions = std::move(listener.smtp_extensions),
                .auth_equals = listener.auth_equals ? AuthEquals::listed : AuthEquals::none,
            },
        .tls = listener.tls,
        .plaintext_login = listener.plaintext_login,
        .tls_detect = listener.tls_detect,
        .login_timeout = order.login_timeout,
    });
  }
  for (const auto& facts : facts_) {
    listeners_.push_back(std::make_unique<net::Listener>(
        loop_, order.listeners[facts.index].descriptor,
        [this, &facts](std::unique_ptr<net::TcpStream> stream) { accepted(facts, std::move(stream)); }));
  }
  shut_in();
  send(auth::Ready{});
}

void WorkerLoop::shut_in() {
  const sandbox::Confinement confinement = sandbox::confine();
  const bool complete = confinement.complete();
  send(auth::WorkerEvent{complete ? config::LogLevel::info : config::LogLevel::warning,
                         complete ? "worker_confined" : "worker_not_confined",
                         0,
                         {{"seccomp", confinement.seccomp}, {"landlock", confinement.landlock}}});
}

void WorkerLoop::renew_certificate(const auth::NewCertificate& order) {
  try {
    tls_->renew(order);
  } catch (const std::exception& failure) {  // the keeper has tried it, so this is memory or the like
    send(auth::WorkerEvent{config::LogLevel::error, "certificate_not_renewed", 0, {{"detail", failure.what()}}});
  }
}

void WorkerLoop::accepted(const ListenerFacts& listener, std::unique_ptr<net::TcpStream> stream) {
  const std::string peer = stream->peer_address();
  if (doors_[listener.index].rules.is_balancer(peer)) return await_preamble(listener, std::move(stream), peer);
  enter(listener, std::move(stream), {.id = unused_id(), .client_address = peer, .already_waited = {}});
}

void WorkerLoop::await_preamble(const ListenerFacts& listener, std::unique_ptr<net::TcpStream> stream,
                                const std::string& balancer) {
  if (const auto why = entrance_.refusal_of_balancer()) return turn_away(listener, *stream, *why, balancer);
  const auto id = unused_id();
  entrance_.balancer_came(id);
  Preamble::Events events;
  events.told = [this, &listener, id, balancer](Preamble::Told told) {
    preamble_over(id);
    // The stream is on the call stack, and may be turned away.
    loop_.later([this, &listener, id, balancer, client = std::make_shared<Preamble::Told>(std::move(told))] {
      auto& said = client->header.client_address;
      enter(listener, std::move(client->stream),
            {.id = id, .client_address = said.empty() ? balancer : said, .already_waited = client->took});
    });
  };
  events.failed = [this, &listener, id, balancer](std::string_view) {
    preamble_over(id);
    count_turned_away(listener, auth::TurnAway::no_proxy_header, balancer);
  };
  preambles_.emplace(id, std::make_unique<Preamble>(loop_, std::move(stream), std::move(events)));
}

void WorkerLoop::preamble_over(auth::SessionId id) {
  entrance_.left(id);
  // It is still on the call stack.
  const std::shared_ptr<Preamble> over = std::move(preambles_.at(id));
  preambles_.erase(id);
  loop_.later([over] {});
}

void WorkerLoop::enter(const ListenerFacts& listener, std::unique_ptr<net::ByteStream> stream, SessionFacts facts) {
  const EntryRules& rules = doors_[listener.index].rules;
  if (const auto why = entrance_.refusal(rules, facts.client_address))
    return turn_away(listener, *stream, *why, facts.client_address);
  const auto id = facts.id;
  entrance_.came(id, facts.client_address);
  if (rules.trusts(facts.client_address)) facts.trust = TrustedClient::yes;
  const auto [entry, _] = sessions_.emplace(
      id, std::make_unique<Session>(listener, std::move(facts), std::move(stream),
                                    Surroundings{*clock_, *this, *dialer_, *tls_}, [this, id] { session_ended(id); }));
  entry->second->start();
  if (!std::exchange(report_of_relayed_is_due_, true)) report_relayed_.set(report_relayed_every);
}

void WorkerLoop::report_relayed() {
  std::map<config::Protocol, auth::Relayed> sums;
  for (const auto& [id, session] : sessions_) {
    const auto traffic = session->newly_relayed();
    if (!traffic) continue;
    auto& sum = sums[traffic->protocol];
    sum.protocol = traffic->protocol;
    sum.bytes_up += traffic->bytes_up;
    sum.bytes_down += traffic->bytes_down;
  }
  for (const auto& [protocol, sum] : sums) send(sum);
  report_of_relayed_is_due_ = !sessions_.empty();
  if (report_of_relayed_is_due_) report_relayed_.set(report_relayed_every);
}

// Closed at once, so that it takes no descriptor either; told why in its protocol's words, unless it is a stranger.
void WorkerLoop::turn_away(const ListenerFacts& listener, net::ByteStream& stream, auth::TurnAway why,
                           const std::string& address) {
  if (why != auth::TurnAway::not_allowed && listener.tls != config::ListenerTls::implicit) {
    for (const auto& action : listener.row.make_client_side(listener.client_side)->dismiss(Dismissal::session_cap)) {
      if (const auto* words = std::get_if<Send>(&action)) stream.write(words->bytes);
    }
  }
  count_turned_away(listener, why, address);
}

void WorkerLoop::count_turned_away(const ListenerFacts& listener, auth::TurnAway why, const std::string& address) {
  turned_away_.turned_away({why, doors_[listener.index].name, address, 1}, loop_.now());
  if (!std::exchange(report_is_due_, true)) report_turned_away_.set(report_turned_away_every);
}

auth::SessionId WorkerLoop::unused_id() const {
  for (;;) {
    const auth::SessionId id = randombytes_random();
    if (id != 0 && !sessions_.contains(id) && !preambles_.contains(id)) return id;
  }
}

void WorkerLoop::answer(auth::SessionId session, auth::LoginAnswer answer) {
  const auto found = sessions_.find(session);
  if (asking_.erase(session) == 0 || found == sessions_.end()) return;  // it took its question back
  found->second->answered(std::move(answer));
}

void WorkerLoop::session_ended(auth::SessionId id) {
  // It is still on the call stack.
  loop_.later([this, id] {
    sessions_.erase(id);
    entrance_.left(id);
    finish_if_done();
  });
}

void WorkerLoop::end_session(const auth::EndSession& order) {
  const auto found = sessions_.find(order.session);
  if (found != sessions_.end()) found->second->end_by_operator(order.reason);
}

void WorkerLoop::retire() {
  listeners_.clear();
  retired_ = true;
  finish_if_done();
}

void WorkerLoop::drain(const auth::Drain& order) {
  if (draining_) return;
  draining_ = true;
  listeners_.clear();
  preambles_.clear();
  drain_ends_at_ = loop_.now() + order.deadline;
  drain_timer_ = std::make_unique<net::Timer>(loop_, [this] { drain_idle(); });
  drain_idle();
}

void WorkerLoop::drain_idle() {
  const bool time_is_up = loop_.now() >= drain_ends_at_;
  for (const auto& [id, session] : sessions_) {
    if (time_is_up) {
      session->end_now(keeper_is_there_ ? "drain_deadline" : "keeper_gone");
    } else if (keeper_is_there_) {
      session->end_if_idle();
    }
  }
  drain_timer_->set(drain_step);
  finish_if_done();
}

void WorkerLoop::keeper_left(std::string_view) {
  keeper_is_there_ = false;
  for (const auto& [id, session] : sessions_) session->keeper_gone();
  drain_timer_.reset();
  draining_ = false;
  drain(auth::Drain{flush_after_keeper});
}

void WorkerLoop::finish_if_done() {
  if ((draining_ || retired_) && sessions_.empty()) loop_.stop();
}

}  // namespace saslift::proxy
