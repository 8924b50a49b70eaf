// Carries out what the login desk decides and tells it what came of it; starts and ends everything else.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/login_desk.h"
#include "config/load.h"
#include "proxy/keeper/configuration_reader.h"
#include "proxy/keeper/control_socket.h"
#include "proxy/keeper/listener_certificates.h"
#include "proxy/keeper/listeners.h"
#include "proxy/keeper/log_writer.h"
#include "proxy/keeper/loop_watch.h"
#include "proxy/keeper/metrics_process.h"
#include "proxy/keeper/orphan_reaper.h"
#include "proxy/keeper/password_hasher.h"
#include "proxy/keeper/resolver.h"
#include "proxy/keeper/service_manager.h"
#include "proxy/keeper/service_user.h"
#include "proxy/keeper/signals.h"
#include "proxy/keeper/socket_activation.h"
#include "proxy/keeper/state_saver.h"
#include "proxy/keeper/status_report.h"
#include "proxy/keeper/tally.h"
#include "proxy/keeper/token_fetcher.h"
#include "proxy/keeper/trust_stores.h"
#include "proxy/keeper/worker_processes.h"

namespace saslift::proxy::keeper {

class KeeperLoop {
 public:
  // What the process was given by whoever started it.
  struct Given {
    Inherited sockets;
    ServiceManagerAddress service_manager;
  };

  KeeperLoop(config::Loaded loaded, Given given);
  KeeperLoop(const KeeperLoop&) = delete;
  KeeperLoop& operator=(const KeeperLoop&) = delete;
  ~KeeperLoop();

  [[nodiscard]] std::expected<void, std::string> start();
  // Returns the exit status.
  [[nodiscard]] int run();

 private:
  void execute(auth::DeskActions actions);
  void perform(auth::HashPassword order) { hasher_.hash(std::move(order)); }
  void perform(auth::CancelHash order) { hasher_.cancel(order.id); }
  void perform(auth::FetchToken order) { fetcher_.fetch(std::move(order)); }
  void perform(const auth::ResolveHost& order) { resolver_.resolve(order.host); }
  void perform(auth::AnswerWorker order);
  void perform(auth::SaveState order) { saver_->save(std::move(order)); }
  void perform(auth::AnswerSignIn order);
  void perform(auth::EndWorkerSession order) { workers_->send(order.worker, auth::ToWorker(std::move(order.order))); }
  void perform(const auth::LogEvent& event) { note(event); }
  void note(const auth::LogEvent& event);
  void set_alarm();
  // Of what is told to the desk next.
  [[nodiscard]] auth::Instant now();

  [[nodiscard]] std::expected<void, std::string> open_doors();
  [[nodiscard]] std::expected<void, std::string> open_state();
  [[nodiscard]] std::expected<void, std::string> open_control();
  [[nodiscard]] std::expected<void, std::string> become_user(const ServiceUser& user);
  [[nodiscard]] std::expected<void, std::string> start_workers();
  [[nodiscard]] static std::expected<ListenerCertificates, std::string> choose_certificates(
      const config::Settings& settings, const std::vector<OpenListener>& listeners);
  [[nodiscard]] static std::expected<WorkerProcesses::Plan, std::string> plan_workers(
      const config::Settings& settings, const std::vector<OpenListener>& listeners,
      const ListenerCertificates& certificates);
  void use_certificates(ListenerCertificates certificates);
  void look_at_certificates();
  void log_start(unsigned workers);
  void answer_control(std::string_view request, ControlSocket::Answer answer);
  void log_listening(const OpenListener& listener);
  void worker_accepts();

  // keeper_loop_reload.cpp
  using Problems = std::vector<std::string>;
  using Reloaded = std::expected<std::size_t, Problems>;  // how many sessions it ended
  using ReloadTold = std::function<void(const Reloaded& reloaded)>;
  void reload(ReloadTold told);
  void read_configuration();
  void workers_replaced(const Problems& problems);
  [[nodiscard]] Reloaded take_over(config::LoadResult result);
  // Of one reading: what goes together.
  struct Taken {
    config::Settings settings;
    std::vector<OpenListener> listeners;
    ListenerCertificates certificates;
    WorkerProcesses::Plan plan;
  };
  [[nodiscard]] std::size_t take_over(Taken taken);
  void log_what_needs_a_restart(const config::Settings& before);

  [[nodiscard]] StatusFacts facts();
  [[nodiscard]] std::expected<void, std::string> open_metrics();
  void start_metrics();
  [[nodiscard]] metrics::Answer answer_metrics(metrics::Question question);
  void told_to_stop();
  void drain();
  void stop(std::string_view reason);
  void end_once_kept();

  config::Settings settings_;
  std::vector<config::Problem> warnings_;
  net::Loop loop_;
  auth::Instant started_;
  LogWriter log_;
  Inherited inherited_;
  ServiceManager service_manager_;
  LoopWatch watch_;
  Tally tally_;
  Descriptor metrics_socket_;  // until its process is started
  std::string metrics_at_ = "off";
  std::optional<MetricsProcess> metrics_;
  std::vector<OpenListener> listeners_;
  TrustStores trust_stores_;
  auth::LoginDesk desk_;
  PasswordHasher hasher_;
  TokenFetcher fetcher_;
  Resolver resolver_;
  std::unique_ptr<StateSaver> saver_;  // where an identity lives on a refresh token
  ConfigurationReader reader_;
  std::vector<ReloadTold> asked_to_reload_;
  std::function<void(const Problems& problems)> once_workers_are_replaced_;
  std::optional<ListenerCertificates> certificates_;
  std::unique_ptr<WorkerProcesses> workers_;
  std::unique_ptr<ControlSocket> control_;
  std::map<auth::SignInId, ControlSocket::Answer> sign_ins_;
  auth::SignInId last_sign_in_ = 0;
  net::Timer alarm_;
  net::Timer drain_ends_;
  net::Timer keeping_ends_;
  net::Timer certificates_alarm_;
  net::Timer replacing_ends_;
  std::vector<std::unique_ptr<SignalWatch>> signals_;
  std::optional<OrphanReaper> orphans_;
  bool draining_ = false;
  bool ready_ = false;
  bool stopped_ = false;
};

}  // namespace saslift::proxy::keeper
