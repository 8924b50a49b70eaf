#include "proxy/trial/trial.h"

#include <memory>
#include <string_view>
#include <utility>

#include "proxy/keeper/resolver.h"
#include "proxy/net/timer.h"
#include "proxy/session/session.h"
#include "proxy/trial/device.h"
#include "proxy/worker/protocol_rows.h"
#include "proxy/worker/real_surroundings.h"

namespace saslift::proxy::trial {
namespace {

constexpr auth::SessionId session_id = 1;
constexpr auth::Duration patience_after_login{10'000};

// The device's connection, which is no socket.
class DeviceStream final : public net::ByteStream {
 public:
  DeviceStream(net::Loop& loop, Device& device) : loop_(loop), device_(device) {}
  ~DeviceStream() override { *alive_ = nullptr; }

  void set_reader(Reader& reader) override { reader_ = &reader; }
  void start_reading() override {
    reading_ = true;
    deliver_later();
  }
  void stop_reading() override { reading_ = false; }
  void limit_reads(std::size_t) override {}
  void write(std::string_view bytes) override {
    to_session_ += device_.receive(bytes);
    deliver_later();
  }
  [[nodiscard]] std::size_t unsent() const override { return 0; }
  void finish_writing() override {
    finished_ = true;
    deliver_later();
  }
  [[nodiscard]] net::HalfClose half_close() const override { return net::HalfClose::possible; }

 private:
  void deliver_later() {
    loop_.later([alive = alive_] {
      if (*alive != nullptr) (*alive)->deliver();
    });
  }
  void deliver() {
    if (!reading_ || reader_ == nullptr) return;
    if (!to_session_.empty()) {
      std::string bytes = std::exchange(to_session_, {});
      return reader_->received(bytes);
    }
    if (std::exchange(finished_, false)) reader_->ended(net::Ending::clean);
  }

  net::Loop& loop_;
  Device& device_;
  Reader* reader_ = nullptr;
  std::string to_session_;
  bool reading_ = false;
  bool finished_ = false;
  std::shared_ptr<DeviceStream*> alive_ = std::make_shared<DeviceStream*>(this);
};

class Trial final : public Keeper {
 public:
  explicit Trial(Plan plan)
      : plan_(std::move(plan)),
        device_(plan_.protocol),
        clock_(loop_),
        dialer_(loop_),
        tls_(loop_, trust_of(plan_)),
        patience_(loop_, [this] { give_up(); }),
        resolver_(loop_, [this](const std::string&, auth::ResolveOutcome outcome) { resolved(std::move(outcome)); }) {
    listener_.protocol = plan_.protocol;
    listener_.row = row_of(plan_.protocol);
    listener_.client_side.hostname = plan_.service.hostname;
    listener_.login_timeout = plan_.service.login_timeout;
  }

  [[nodiscard]] Report run() {
    resolver_.resolve(plan_.granted.host);
    patience_.set(plan_.service.login_timeout + patience_after_login);
    loop_.run();
    session_.reset();
    loop_.run_tasks();
    report_.logged_in = device_.logged_in();
    report_.proven = device_.proven();
    report_.proof = device_.proof();
    if (!report_.logged_in && !report_.failure) report_.failure = auth::LoginFailure::timeout;
    return std::move(report_);
  }

  [[nodiscard]] Line line() const override { return Line::open; }

  void send(auth::FromWorker message) override {
    if (std::holds_alternative<auth::LoginQuestion>(message)) {
      return answer(std::move(plan_.granted));
    }
    if (const auto* refused = std::get_if<auth::TokenRefused>(&message)) {
      report_.words = refused->server_words;
      report_.failure = auth::LoginFailure::identity_refused;
      return answer(
          auth::Denied{.session = session_id, .failure = auth::LoginFailure::identity_refused, .sentence = {}});
    }
    if (const auto* died = std::get_if<auth::LoginDied>(&message)) {
      report_.failure = died->failure;
      report_.words = died->detail;
      report_.times = died->times;
    } else if (const auto* succeeded = std::get_if<auth::LoginSucceeded>(&message)) {
      report_.times = succeeded->times;
    } else if (const auto* said = std::get_if<auth::ServerSaid>(&message)) {
      if (report_.words.empty()) report_.words = said->words;  // the BYE behind the cause says less
    }
  }

 private:
  static auth::Configure trust_of(const Plan& plan) {
    auth::Configure order;
    order.trust_files = {plan.ca_file};
    order.ca_file = plan.service.ca_file;
    return order;
  }

  void resolved(auth::ResolveOutcome outcome) {
    if (!outcome) {
      report_.failure = auth::LoginFailure::server_unreachable;
      report_.words = plan_.granted.host + " is not found: " + outcome.error().detail;
      return loop_.stop();
    }
    plan_.granted.addresses = std::move(*outcome);
    plan_.granted.session = session_id;
    session_ = std::make_unique<Session>(listener_, SessionFacts{session_id, "127.0.0.1"},
                                         std::make_unique<DeviceStream>(loop_, device_),
                                         Surroundings{clock_, *this, dialer_, tls_}, [this] { loop_.stop(); });
    session_->start();
  }

  // Never inside the session's own call.
  void answer(auth::LoginAnswer with) {
    auto waiting = std::make_shared<auth::LoginAnswer>(std::move(with));
    loop_.later([this, waiting] {
      if (session_ != nullptr) session_->answered(std::move(*waiting));
    });
  }

  void give_up() {
    if (report_.words.empty()) report_.words = "the server does not answer";
    loop_.stop();
  }

  Plan plan_;
  Report report_;
  Device device_;
  net::Loop loop_;
  RealClock clock_;
  RealDialer dialer_;
  RealTls tls_;
  ListenerFacts listener_;
  std::unique_ptr<Session> session_;
  net::Timer patience_;
  keeper::Resolver resolver_;
};

}  // namespace

Report try_login(Plan plan) { return Trial(std::move(plan)).run(); }

}  // namespace saslift::proxy::trial
