// The worker's loop: listeners make sessions, sessions ask over the pipe. Owns everything in the process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "auth/login.h"
#include "proxy/net/frame_pipe.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"
#include "proxy/session/session.h"
#include "proxy/worker/entrance.h"
#include "proxy/worker/preamble.h"
#include "proxy/worker/real_surroundings.h"

namespace saslift::proxy {

class WorkerLoop final : private Keeper {
 public:
  explicit WorkerLoop(int pipe_descriptor);
  WorkerLoop(const WorkerLoop&) = delete;
  WorkerLoop& operator=(const WorkerLoop&) = delete;
  ~WorkerLoop();

  [[nodiscard]] int run();

 private:
  struct Door {
    std::string name;
    EntryRules rules;
  };

  [[nodiscard]] Line line() const override;
  void send(auth::FromWorker message) override;

  void frame_came(std::string_view frame);
  void keeper_left(std::string_view why);
  void configure(auth::Configure& order);
  void shut_in();
  void renew_certificate(const auth::NewCertificate& order);
  void answer(auth::SessionId session, auth::LoginAnswer answer);
  void accepted(const ListenerFacts& listener, std::unique_ptr<net::TcpStream> stream);
  void await_preamble(const ListenerFacts& listener, std::unique_ptr<net::TcpStream> stream,
                      const std::string& balancer);
  void preamble_over(auth::SessionId id);
  void enter(const ListenerFacts& listener, std::unique_ptr<net::ByteStream> stream, SessionFacts facts);
  void turn_away(const ListenerFacts& listener, net::ByteStream& stream, auth::TurnAway why,
                 const std::string& address);
  void count_turned_away(const ListenerFacts& listener, auth::TurnAway why, const std::string& address);
  void session_ended(auth::SessionId id);
  void report_relayed();
  void end_session(const auth::EndSession& order);
  void retire();
  void drain(const auth::Drain& order);
  void drain_idle();
  void finish_if_done();
  [[nodiscard]] auth::SessionId unused_id() const;

  net::Loop loop_;
  std::unique_ptr<net::FramePipe> pipe_;
  std::unique_ptr<RealClock> clock_;
  std::unique_ptr<RealDialer> dialer_;
  std::unique_ptr<RealTls> tls_;
  std::vector<ListenerFacts> facts_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unordered_map<auth::SessionId, std::unique_ptr<Session>> sessions_;
  std::unordered_map<auth::SessionId, std::unique_ptr<Preamble>> preambles_;  // by the id of the session to be
  std::vector<Door> doors_;                                                   // by listener
  Entrance entrance_;
  TurnAwayReports turned_away_{[this](auth::ClientsTurnedAway report) { send(std::move(report)); }};
  bool report_is_due_ = false;
  net::Timer report_turned_away_{loop_, [this] {
                                   report_is_due_ = false;
                                   turned_away_.flush();
                                 }};
  bool report_of_relayed_is_due_ = false;
  net::Timer report_relayed_{loop_, [this] { report_relayed(); }};
  std::unordered_set<auth::SessionId> asking_;
  bool keeper_is_there_ = true;
  bool draining_ = false;
  bool retired_ = false;
  auth::Instant drain_ends_at_{};
  std::unique_ptr<net::Timer> drain_timer_;
  int status_ = 0;
};

}  // namespace saslift::proxy
