#include "proxy/keeper/keeper_loop.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "auth/frames.h"
#include "proxy/keeper/control_requests.h"
#include "proxy/keeper/process_limits.h"
#include "proxy/keeper/smtp_extensions.h"
#include "proxy/keeper/status_report.h"
#include "proxy/keeper/worker_count.h"

namespace saslift::proxy::keeper {
namespace {

// A timer stands still while the host sleeps; this bounds how late the desk can be woken after that.
constexpr auth::Duration longest_alarm{30'000};
// Workers end themselves by the drain's deadline; who has not by then is killed.
constexpr auth::Duration grace_after_drain{2'000};
constexpr std::chrono::milliseconds time_to_flush_log{1'000};
// A fetch under way may bring a new refresh token, and a disk may be slow.
constexpr auth::Duration longest_keeping{12'000};

WallTime wall_now() { return std::chrono::system_clock::now(); }

std::string name(std::string_view text) { return std::string(text); }

std::vector<std::string> texts_of(const std::vector<config::Network>& networks) {
  std::vector<std::string> texts;
  for (const auto& network : networks) texts.push_back(network.text());
  return texts;
}

std::vector<std::string> trusted_addresses(const config::Settings& settings) {
  std::vector<std::string> texts;
  for (const auto& [name, account] : settings.accounts) {
    for (const auto& address : account.trusted) texts.push_back(address.text());
  }
  return texts;
}

auth::Configure configuration_of(const config::Settings& settings, const std::vector<OpenListener>& listeners,
                                 const ListenerCertificates& certificates) {
  auth::Configure order;
  const auto smtp_extensions = common_smtp_extensions(settings);
  int descriptor = WorkerProcesses::first_listener_descriptor;
  for (const auto& open : listeners) {
    const config::Listener& listener = *open.settings;
    auth::WorkerListener told;
    told.descriptor = descriptor++;
    told.protocol = listener.protocol;
    told.name = listener.name;
    told.tls = listener.tls;
    told.plaintext_login = listener.plaintext_login;
    told.auth_equals = listener.auth_equals;
    told.allow = texts_of(listener.allow);
    told.proxy_from = texts_of(listener.proxy_from);
    if (listener.protocol == config::Protocol::smtp) {
      told.smtp_extensions = smtp_extensions;
      told.trusted = trusted_addresses(settings);
    }
    told.tls_detect = listener.tls_detect;
    told.legacy_tls = listener.legacy_tls;
    order.listeners.push_back(std::move(told));
    order.certificates.push_back(certificates.in_use(static_cast<std::uint32_t>(order.certificates.size())));
  }
  order.hostname = settings.service.hostname;
  order.login_timeout = settings.service.login_timeout;
  order.session_cap = session_cap(raise_descriptor_limit());
  order.trust_files = auth::LoginDesk::trust_files(settings);
  order.ca_file = settings.service.ca_file;
  return order;
}

PasswordHasher::Limits hashing_limits() {
  PasswordHasher::Limits limits;
  limits.at_once = std::clamp(processors_here().affinity, 1U, 4U);  // libuv has four threads
  return limits;
}

Program fetch_program() {
  Program program;
  program.arguments = {"fetch"};
  return program;
}

}  // namespace

KeeperLoop::KeeperLoop(config::Loaded loaded, Given given)
    : settings_(std::move(loaded.settings)),
      warnings_(std::move(loaded.warnings)),
      started_(auth::BootClock::now()),
      log_(settings_.log),
      inherited_(std::move(given.sockets)),
      service_manager_(loop_, std::move(given.service_manager)),
      watch_(loop_, LoopWatch::usual_limit,
             [this](auth::Duration turn) {
               note({config::LogLevel::warning, "loop_stalled", {{"milliseconds", std::int64_t{turn.count()}}}});
             }),
      desk_(settings_),
      hasher_(loop_, hashing_limits(),
              [this](auth::HashId id, auth::HashOutcome outcome) { execute(desk_.hashed(id, outcome, now())); }),
      fetcher_(loop_, fetch_program(), {},
               [this](const auth::TokenKey& key, auth::FetchOutcome outcome) {
                 execute(desk_.fetched(key, std::move(outcome), now()));
               }),
      resolver_(loop_,
                [this](const std::string& host, auth::ResolveOutcome outcome) {
                  execute(desk_.resolved(host, std::move(outcome), now()));
                }),
      reader_(loop_, settings_.path),
      alarm_(loop_, [this] { execute(desk_.tick(now())); }),
      drain_ends_(loop_, [this] { workers_->kill(); }),
      keeping_ends_(loop_, [this] { loop_.stop(); }),
      certificates_alarm_(loop_, [this] { look_at_certificates(); }),
      replacing_ends_(loop_, [this] {
        workers_replaced(
            {"it was taken over, but no worker serves with it yet and the ones before go on: see the log"});
      }) {}

KeeperLoop::~KeeperLoop() = default;

std::expected<void, std::string> KeeperLoop::start() {
  if (const std::string& name = settings_.service.user; name.empty()) {
    if (auto opened = open_doors(); !opened) return opened;
  } else {
    const auto user = service_user(name);
    if (!user) return std::unexpected(user.error());
    if (auto became = become_user(*user); !became) return became;
  }
  signals_.push_back(std::make_unique<SignalWatch>(loop_, SIGTERM, [this] { told_to_stop(); }));
  signals_.push_back(std::make_unique<SignalWatch>(loop_, SIGINT, [this] { told_to_stop(); }));
  signals_.push_back(std::make_unique<SignalWatch>(loop_, SIGHUP, [this] { reload([](const Reloaded&) {}); }));
  if (inherits_orphans()) orphans_.emplace(loop_);
  if (auto opened = open_state(); !opened) return opened;
  if (auto started = start_workers(); !started) return started;
  start_metrics();
  execute(desk_.tick(now()));
  return {};
}

std::expected<void, std::string> KeeperLoop::open_doors() {
  if (auto opened = open_control(); !opened) return opened;
  auto listeners = reopen_listeners(inherited_.listeners, settings_.listeners);
  if (!listeners) return std::unexpected(listeners.error().what);
  listeners_ = std::move(*listeners);
  for (const auto& left : inherited_.listeners) {
    if (left.socket) inherited_.unusable.push_back(left.address.text() + " is the address of no [[listener]]");
  }
  inherited_.listeners.clear();
  return open_metrics();
}

std::expected<void, std::string> KeeperLoop::become_user(const ServiceUser& user) {
  if (auto handed = hand_over_directory(settings_.service.state_dir, user); !handed) return handed;
  if (auto opened = open_doors(); !opened) return opened;
  hand_over_socket(control_path(settings_.service), user);
  if (auto became = become(user); !became) return became;
  log_.write({config::LogLevel::info, "became_user", {{"user", user.name}, {"uid", std::int64_t{user.uid}}}});
  return {};
}

std::expected<void, std::string> KeeperLoop::open_control() {
  const std::string path = control_path(settings_.service);
  auto control = ControlSocket::open(loop_, path, {}, [this](std::string_view request, ControlSocket::Answer answer) {
    answer_control(request, std::move(answer));
  });
  if (control) {
    control_ = std::move(*control);
  } else if (control.error().kind == ControlFailure::already_running) {
    return std::unexpected(fmt::format("already running: a keeper answers at {}", path));
  } else {
    log_.write({config::LogLevel::warning,
                "control_socket_missing",
                {{"reason", control.error().detail}, {"consequence", "saslift status cannot reach this keeper"}}});
  }
  return {};
}

std::expected<void, std::string> KeeperLoop::open_state() {
  const auto lives_on_state = [](const auto& named) { return config::lives_on_refresh_token(named.second.grant); };
  if (std::ranges::none_of(settings_.identities, lives_on_state)) return {};
  StateFile file(settings_.service.state_dir);
  // One that cannot be locked cannot be written either: the first save says so, and goes on trying.
  if (const auto locked = file.lock(); !locked && locked.error().kind == LockFailure::in_use)
    return std::unexpected(locked.error().detail);
  auth::OpenedState opened = file.open(settings_.service.state_key);
  saver_ = std::make_unique<StateSaver>(
      loop_, std::move(file), [this](const auth::SaveOutcome& outcome) { execute(desk_.saved(outcome, now())); });
  execute(desk_.state_opened(std::move(opened), now()));
  return {};
}

std::expected<ListenerCertificates, std::string> KeeperLoop::choose_certificates(
    const config::Settings& settings, const std::vector<OpenListener>& listeners) {
  std::vector<const config::Listener*> with;
  for (const auto& listener : listeners) with.push_back(listener.settings);
  ListenerCertificates certificates(settings, std::move(with));
  if (auto opened = certificates.open(wall_now()); !opened) return std::unexpected(opened.error());
  return certificates;
}

std::expected<WorkerProcesses::Plan, std::string> KeeperLoop::plan_workers(const config::Settings& settings,
                                                                           const std::vector<OpenListener>& listeners,
                                                                           const ListenerCertificates& certificates) {
  WorkerProcesses::Plan plan;
  plan.program.arguments = {"worker"};
  for (const auto& listener : listeners) plan.listening.push_back(listener.socket.get());
  const config::Secret frame = auth::encode(auth::ToWorker(configuration_of(settings, listeners, certificates)));
  if (frame.empty()) return std::unexpected("the listeners and their certificates do not fit into 64 KiB");
  plan.configure = config::Secret::guarded(frame.reveal());
  return plan;
}

std::expected<void, std::string> KeeperLoop::start_workers() {
  auto certificates = choose_certificates(settings_, listeners_);
  if (!certificates) return std::unexpected(certificates.error());
  auto plan = plan_workers(settings_, listeners_, *certificates);
  if (!plan) return std::unexpected(plan.error());
  WorkerProcesses::Events events;
  events.message = [this](auth::WorkerId worker, auth::FromWorker message) {
    if (const auto* traffic = std::get_if<auth::Relayed>(&message)) return tally_.count(*traffic);
    execute(desk_.from_worker(worker, std::move(message), now()));
  };
  events.gone = [this](auth::WorkerId worker) { execute(desk_.worker_gone(worker, now())); };
  events.log = [this](const auth::LogEvent& event) { note(event); };
  events.all_ended = [this] { stop("drained"); };
  events.accepts = [this] { worker_accepts(); };
  workers_ = std::make_unique<WorkerProcesses>(loop_, std::move(*plan), std::move(events));
  trust_stores_.given(workers_->generation(), auth::LoginDesk::trust_files(settings_));
  const unsigned count = worker_count(settings_.service.workers, processors_here());
  log_start(count);
  workers_->start(count);
  use_certificates(std::move(*certificates));
  return {};
}

void KeeperLoop::log_start(unsigned workers) {
  log_.write({config::LogLevel::info,
              "started",
              {{"version", SASLIFT_VERSION},
               {"pid", std::int64_t{::getpid()}},
               {"workers", std::int64_t{workers}},
               {"config", settings_.path}}});
  for (const auto& warning : warnings_) {
    log_.write({config::LogLevel::warning, "configuration_warning", {{"text", warning.message()}}});
  }
  if (!config::guarded_memory_is_locked()) {
    log_.write({config::LogLevel::warning,
                "secrets_not_locked",
                {{"reason", "RLIMIT_MEMLOCK is too small; client secrets may reach the swap"}}});
  }
  for (const auto& listener : listeners_) log_listening(listener);
  for (const auto& why : inherited_.unusable) {
    log_.write({config::LogLevel::warning, "inherited_socket_unused", {{"reason", why}}});
  }
}

void KeeperLoop::log_listening(const OpenListener& listener) {
  log_.write({config::LogLevel::info,
              "listening",
              {{"listener", listener.settings->name},
               {"protocol", name(config::name_of(listener.settings->protocol))},
               {"address", listener.address.text()},
               {"tls", name(config::name_of(listener.settings->tls))}}});
  if (!listener.settings->legacy_tls) return;
  log_.write({config::LogLevel::warning,
              "legacy_tls",
              {{"listener", listener.settings->name},
               {"text", "TLS 1.0 and old ciphers are taken here; let in only devices that know nothing better"}}});
}

void KeeperLoop::worker_accepts() {
  if (!std::exchange(ready_, true)) service_manager_.ready();
  workers_replaced({});
}

int KeeperLoop::run() {
  loop_.run();
  // Told once more while it ends: that is no reason to end as killed.
  signals_.clear();
  for (const int late : {SIGTERM, SIGINT, SIGHUP}) ::signal(late, SIG_IGN);
  control_.reset();
  log_.flush(time_to_flush_log);
  // A look-up that hangs cannot be called off, and an orderly end would wait for it.
  if (resolver_.busy()) std::_Exit(0);
  return 0;
}

void KeeperLoop::execute(auth::DeskActions actions) {
  for (auto& action : actions) {
    std::visit([this](auto& order) { perform(std::move(order)); }, action);
  }
  set_alarm();
  if (stopped_) end_once_kept();
}

auth::Instant KeeperLoop::now() {
  desk_.wall_clock(std::chrono::system_clock::now());
  return auth::BootClock::now();
}

void KeeperLoop::perform(auth::AnswerSignIn order) {
  const auto waiting = sign_ins_.extract(order.id);
  if (!waiting) return;
  waiting.mapped()(order.outcome ? control_success({}) : control_failure(order.outcome.error()));
}

void KeeperLoop::perform(auth::AnswerWorker order) {
  if (auto* granted = std::get_if<auth::Granted>(&order.answer)) {
    const auto store =
        trust_stores_.index_for({.generation = workers_->generation_of(order.worker), .index = granted->trust});
    if (!store) {
      // An old worker that knows no store for a new identity: the next connection reaches a new one.
      order.answer = auth::Denied{
          .session = granted->session, .failure = auth::LoginFailure::shutting_down, .sentence = "Please try again"};
    } else {
      granted->trust = *store;
    }
  }
  std::visit([&](auto& answer) { workers_->send(order.worker, auth::ToWorker(std::move(answer))); }, order.answer);
}

void KeeperLoop::set_alarm() {
  const auto wake_at = desk_.wake_at();
  if (!wake_at) return alarm_.cancel();
  alarm_.set(std::clamp(*wake_at - now(), auth::Duration{0}, longest_alarm));
}

void KeeperLoop::answer_control(std::string_view request, ControlSocket::Answer answer) {
  const auto asked = read_control_request(request);
  if (!asked) return answer(control_failure(asked.error()));
  if (const auto* sign_in = std::get_if<auth::SignIn>(&*asked)) {
    sign_ins_.emplace(++last_sign_in_, std::move(answer));
    return execute(desk_.sign_in(last_sign_in_, *sign_in, now()));
  }
  if (std::holds_alternative<ReloadRequest>(*asked)) {
    return reload([answer = std::move(answer)](const Reloaded& reloaded) {
      answer(reloaded ? control_success({.sessions_ended = *reloaded})
                      : control_failure(fmt::format("{}", fmt::join(reloaded.error(), "\n"))));
    });
  }
  if (const auto* kick = std::get_if<KickRequest>(&*asked)) {
    if (!settings_.accounts.contains(kick->account)) return answer(control_failure("there is no such account"));
    auto actions = desk_.kick(kick->account);
    const std::size_t ended = sessions_ended_by(actions);
    note({config::LogLevel::info,
          "kicked",
          {{"account", kick->account}, {"sessions_ended", static_cast<std::int64_t>(ended)}}});
    execute(std::move(actions));
    return answer(control_success({.sessions_ended = ended}));
  }
  answer(status_report(facts()));
}

StatusFacts KeeperLoop::facts() {
  const auth::Instant time = now();
  return {::getpid(), time - started_, workers_->status(), listeners_, desk_.status(time), log_.dropped(), metrics_at_};
}

void KeeperLoop::told_to_stop() {
  if (draining_) return stop("told twice");
  drain();
}

void KeeperLoop::drain() {
  draining_ = true;
  service_manager_.stopping();
  const auto deadline = settings_.service.drain;
  log_.write({config::LogLevel::info, "draining", {{"milliseconds", std::int64_t{deadline.count()}}}});
  for (auto& listener : listeners_) listener.socket.close();
  drain_ends_.set(deadline + grace_after_drain);
  workers_->drain(deadline);
  workers_replaced({});
}

void KeeperLoop::stop(std::string_view reason) {
  if (stopped_) return;
  stopped_ = true;
  log_.write({config::LogLevel::info, "stopped", {{"reason", name(reason)}}});
  keeping_ends_.set(longest_keeping);
  end_once_kept();
}

void KeeperLoop::end_once_kept() {
  if (desk_.may_end()) loop_.stop();
}

}  // namespace saslift::proxy::keeper
